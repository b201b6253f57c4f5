package dev.tributary.server.weights;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;

/// The default model's file, where there is one: SmolLM2-135M-Instruct, Q4_1.
final class DefaultModel {
  private DefaultModel() {}

  /// Skips the test unless property or environment variable TRIBUTARY_TEST_MODEL names the file.
  static Path path() {
    String name = "TRIBUTARY_TEST_MODEL";
    String path = System.getProperty(name, System.getenv().getOrDefault(name, ""));
    assumeTrue(!path.isEmpty(), "set TRIBUTARY_TEST_MODEL to the default model's .gguf");
    return Path.of(path);
  }
}
