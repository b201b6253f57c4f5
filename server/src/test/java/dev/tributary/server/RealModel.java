package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Where tests find the default base. `TRIBUTARY_TEST_MODEL` names the file; CI sets it, and counts
/// a test that was skipped for want of it as a failure.
public final class RealModel {
  static final Path DEMO = Path.of("demo");

  private RealModel() {}

  /// The file, or an assumption that fails and says what to set.
  public static Path require() {
    String named = System.getenv("TRIBUTARY_TEST_MODEL");
    assumeTrue(
        named != null,
        "set TRIBUTARY_TEST_MODEL to the default model's .gguf file (server/tributary-server"
            + " --fetch-only prints where it is)");
    Path file = Path.of(named);
    assertThat(file).isRegularFile();
    return file;
  }

  static Path goldens() {
    return Path.of("src/test/resources/goldens/model");
  }

  static java.util.List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
