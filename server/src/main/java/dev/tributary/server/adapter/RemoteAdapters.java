package dev.tributary.server.adapter;

import java.io.IOException;
import java.nio.channels.ReadableByteChannel;

/// Fetches adapters' files from where callers may import from without being administrators. The
/// program that wires the server has it; tests have another.
public interface RemoteAdapters {
  /// The files cannot be had now; another attempt may succeed. Says why.
  final class UnreachableException extends IOException {
    private static final long serialVersionUID = 1L;

    public UnreachableException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /// Takes the files.
  interface Sink {
    /// Reads the file to its end.
    void file(String name, ReadableByteChannel bytes) throws IOException;
  }

  /// @param source such as `hf:owner/repo`
  /// @throws UnreachableException if another attempt may succeed
  /// @throws IllegalArgumentException if none will; says why
  /// @throws IOException from the sink
  void fetch(String source, Sink sink) throws IOException;
}
