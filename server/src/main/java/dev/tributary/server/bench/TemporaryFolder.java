package dev.tributary.server.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/// A folder that is deleted, with all that is in it, when it is closed.
record TemporaryFolder(Path path) implements AutoCloseable {
  static TemporaryFolder make() throws IOException {
    return new TemporaryFolder(Files.createTempDirectory("tributary-bench"));
  }

  /// In another folder than the system's, such as one on the disk that is measured.
  static TemporaryFolder in(Path folder) throws IOException {
    return new TemporaryFolder(
        Files.createTempDirectory(folder.toAbsolutePath(), "tributary-bench"));
  }

  @Override
  public void close() throws IOException {
    try (Stream<Path> all = Files.walk(path)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }
}
