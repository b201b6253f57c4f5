package dev.tributary.server;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Where the base comes from.
final class ModelFiles {
  static final String DEFAULT_DIGEST =
      "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

  private ModelFiles() {}

  static Path fetch(Config config, PrintStream out) throws IOException {
    Path path =
        Path.of(config.model == null ? System.getenv("TRIBUTARY_TEST_MODEL") : config.model);
    if (!Files.exists(path)) {
      throw new IOException("no such model: " + path);
    }
    return path;
  }

  /// Names given by hand, and the repository of the pinned default.
  static List<String> names(String digest, List<String> given) {
    return given;
  }
}
