package dev.tributary.server.rpc;

import dev.tributary.server.model.Certificate;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// Measures the resident base against the source that it was made of; the server's wiring is it.
public interface Certifier {
  /// Looks at the source, then begins to measure. One run at a time.
  ///
  /// @param source path as the caller names it
  /// @throws SourceException saying why it cannot be measured against
  Run begin(String source);

  /// What was measured of the resident base before, newest first.
  List<Certificate> kept();

  /// A measurement under way.
  interface Run extends AutoCloseable {
    /// Tokens that were compared.
    int done();

    /// Tokens that are to be compared.
    int total();

    /// The result, which is kept by then; fails with [SourceException].
    CompletableFuture<Certificate> result();

    /// Gives up what is not done, and frees its memory.
    @Override
    void close();
  }
}
