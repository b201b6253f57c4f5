package dev.tributary.server.source;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// One place that a model can come from.
sealed interface Origin permits FirstOf, HubOrigin, LocalOrigin, PipOrigin {
  /// The model's file or folder, fetched if need be.
  ///
  /// @throws SourceException if it isn't to be had
  Path fetch(Environment environment, Progress progress) throws IOException;

  /// The model's file, if it is on this machine already and has the right digest.
  Optional<Path> cached(Environment environment) throws IOException;
}
