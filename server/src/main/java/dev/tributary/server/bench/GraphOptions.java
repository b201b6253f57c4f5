package dev.tributary.server.bench;

import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// What `decode` and `prefill` have in common.
final class GraphOptions {
  @Parameters(paramLabel = "MODEL", description = "A .gguf file or a Hugging Face folder.")
  Path model = Path.of("");

  @Option(
      names = "--adapters",
      split = ",",
      paramLabel = "KIND",
      defaultValue = "none,one,different",
      description = "none, one for all rows, different: one for each. Default: ${DEFAULT-VALUE}.")
  List<Company> adapters = List.of();

  @Option(
      names = "--rank",
      defaultValue = "16",
      description = "Of the adapters, which are on all linear layers. Default: ${DEFAULT-VALUE}.")
  int rank = 16;

  @Option(
      names = "--path",
      paramLabel = "auto|narrow|wide",
      defaultValue = "auto",
      description = "Which products a step takes; auto: by its width. Default: ${DEFAULT-VALUE}.")
  PathChoice path = PathChoice.AUTO;

  @Option(
      names = "--resident-bf16",
      description = "Keep weights in bfloat16, too, as the server does with this flag.")
  boolean residentBf16;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that compute. Default: the processors of this process.")
  int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--seconds",
      defaultValue = "2",
      description =
          "How long each figure is measured, after as long to warm up. Default: ${DEFAULT-VALUE}.")
  double seconds = 2;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
  @Nullable Path json;

  void check() {
    if (rank < 1 || rank > 1024) {
      throw new IllegalArgumentException("--rank " + rank + " is not between 1 and 1024");
    }
    if (threads < 1 || !(seconds > 0)) {
      throw new IllegalArgumentException("--threads and --seconds must be above 0");
    }
  }

  OfflineModel open(int mostRows, int mostTokens) throws IOException {
    Ops ops = Ops.cpu(Libtorch.bundled(), threads, residentBf16);
    return OfflineModel.open(model, ops, rank, path, mostRows, mostTokens);
  }

  String lora() {
    return "LoRA: rank %d on all linear layers, bfloat16%n".formatted(rank);
  }
}
