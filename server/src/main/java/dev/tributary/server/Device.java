package dev.tributary.server;

import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tensor.Processor;
import java.io.PrintStream;

/// What computes, as `--device` chose it.
///
/// @param kind `cpu` or `cuda`
/// @param name of the processor
record Device(Ops ops, String kind, String name) {
  private static final long MIB = 1 << 20;

  /// @param out told of a GPU that is there and unused, and of what a used one lacks
  static Device open(Config config, PrintStream out) {
    return switch (config.device) {
      case "cpu" -> cpu(config);
      case "cuda" -> cuda(config, out);
      case "auto" -> {
        Ops.gpu()
            .ifPresent(
                gpu -> out.printf("device    the CPU; %s is unused: --device cuda uses it%n", gpu));
        yield cpu(config);
      }
      default ->
          throw new IllegalArgumentException(
              "--device " + config.device + ": it is one of auto, cpu and cuda");
    };
  }

  private static Device cpu(Config config) {
    Libtorch libtorch =
        config.libtorch == null ? Libtorch.bundled() : Libtorch.open(config.libtorch);
    return new Device(
        Ops.cpu(libtorch, config.threadsOrDefault(), config.residentBf16),
        "cpu",
        Processor.current().name());
  }

  private static Device cuda(Config config, PrintStream out) {
    try {
      Ops ops = Ops.cuda(config.libtorch, config.adapterMemory * MIB);
      String name = Ops.gpu().orElse("a GPU");
      out.printf("device    %s; its kernels were tested in an emulation only%n", name);
      if (ops.wideFrom() == Integer.MAX_VALUE) {
        out.println("          prompts are slow: --libtorch DIR of a torch with CUDA helps");
      }
      return new Device(ops, "cuda", name);
    } catch (IllegalStateException e) {
      throw new IllegalStateException(
          "--device cuda: " + e.getMessage() + "; --device cpu needs none of it", e);
    }
  }
}
