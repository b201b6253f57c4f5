package dev.tributary.server.bench;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.Projection;
import dev.tributary.server.model.Span;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tensor.Processor;
import dev.tributary.server.weights.Checkpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Tokens a second of the graph alone: no scheduler, sampler or network.
///
/// The same measure as the llama.cpp peer's (`.ci/peers`): 64 tokens of prompt, then steps of one
/// token a row with the logits of every row; prefill of 512 tokens with the logits of the last.
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures decode and prefill of a model, without and with adapters.")
public final class Bench implements Callable<Integer> {
  private static final int PROMPT = 64;
  private static final int PREFILL = 512;
  private static final int PAGES_A_ROW = 16;
  private static final int MOST_ROWS = 32;
  private static final int RANK = 16;

  /// What the rows of a step carry.
  private enum Adapters {
    NONE("none"),
    ONE("one LoRA"),
    DIFFERENT("a LoRA each");

    private final String text;

    Adapters(String text) {
      this.text = text;
    }
  }

  @Parameters(paramLabel = "MODEL", description = "A .gguf file or a Hugging Face folder.")
  private Path model = Path.of("");

  @Option(names = "--threads", description = "Default: the processors of this process.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--seconds", description = "How long each figure is measured. Default: 2.")
  private double seconds = 2;

  /// Ends the process with 0 if all was measured.
  public static void main(String[] args) {
    System.exit(new CommandLine(new Bench()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    Checkpoint checkpoint = Checkpoint.open(model);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    try (Ops ops = Ops.cpu(Libtorch.bundled(), threads)) {
      ops.claimThread();
      Llama llama = LlamaLoader.load(checkpoint, config, ops, MOST_ROWS * PAGES_A_ROW, PREFILL);
      List<AdapterUse> pool = new ArrayList<>();
      for (int i = 0; i < MOST_ROWS; i++) {
        pool.add(new AdapterUse(adapter(config, new Random(i)), 1));
      }
      Processor processor = Processor.current();
      System.out.printf(
          "%s, %d threads, %s%n",
          processor.name(), threads, String.join(" ", processor.features()));
      System.out.printf("LoRA: rank %d on all linear layers, bfloat16%n", RANK);
      System.out.printf("%-14s %-12s %12s %12s%n", "", "adapters", "ms a step", "tokens/s");
      for (Adapters adapters : Adapters.values()) {
        for (int rows : new int[] {1, 8, 32}) {
          if (rows > 1 || adapters != Adapters.DIFFERENT) {
            report("decode " + rows, adapters, decode(llama, rows, adapters, pool), rows);
          }
        }
      }
      for (Adapters adapters : new Adapters[] {Adapters.NONE, Adapters.ONE}) {
        report("prefill " + PREFILL, adapters, prefill(llama, adapters, pool), PREFILL);
      }
    }
    return 0;
  }

  private static void report(String what, Adapters adapters, double millis, int tokens) {
    System.out.printf(
        "%-14s %-12s %12.2f %12.0f%n", what, adapters.text, millis, tokens * 1e3 / millis);
  }

  private double decode(Llama llama, int rows, Adapters adapters, List<AdapterUse> pool) {
    for (int row = 0; row < rows; row++) {
      int[] prompt = IntStream.range(1000 + 7 * row, 1000 + 7 * row + PROMPT).toArray();
      llama.run(
          List.of(
              new Span(
                  prompt,
                  0,
                  pages(row),
                  uses(adapters, row, pool),
                  ComputePath.NARROW,
                  PROMPT - 1)));
    }
    List<Span> spans = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      // Always at the same place: every step then costs the same.
      spans.add(
          new Span(
              new int[] {2000 + row},
              PROMPT + 16,
              pages(row),
              uses(adapters, row, pool),
              ComputePath.NARROW,
              0));
    }
    return median(() -> llama.run(spans));
  }

  private double prefill(Llama llama, Adapters adapters, List<AdapterUse> pool) {
    int[] prompt = IntStream.range(1000, 1000 + PREFILL).toArray();
    int[] pages = IntStream.range(0, PREFILL / KvCache.PAGE).toArray();
    List<Span> spans =
        List.of(
            new Span(prompt, 0, pages, uses(adapters, 0, pool), ComputePath.NARROW, PREFILL - 1));
    return median(() -> llama.run(spans));
  }

  private static int[] pages(int row) {
    return IntStream.range(row * PAGES_A_ROW, (row + 1) * PAGES_A_ROW).toArray();
  }

  private static List<AdapterUse> uses(Adapters adapters, int row, List<AdapterUse> pool) {
    return switch (adapters) {
      case NONE -> List.of();
      case ONE -> List.of(pool.getFirst());
      case DIFFERENT -> List.of(pool.get(row));
    };
  }

  /// Median milliseconds of `step`, after as long again to warm up.
  private double median(Runnable step) {
    List<Double> times = new ArrayList<>();
    for (int phase = 0; phase < 2; phase++) {
      times.clear();
      long end = System.nanoTime() + (long) (seconds * 1e9);
      do {
        long start = System.nanoTime();
        step.run();
        times.add((System.nanoTime() - start) / 1e6);
      } while (System.nanoTime() < end);
    }
    times.sort(null);
    return times.get(times.size() / 2);
  }

  private static LoraWeights adapter(LlamaConfig config, Random random) {
    Map<LoraWeights.Site, LoraWeights.Pair> pairs = new HashMap<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (Projection projection : Projection.values()) {
        pairs.put(
            new LoraWeights.Site(layer, projection),
            new LoraWeights.Pair(
                small(random, RANK, config.inputs(projection)),
                small(random, RANK, config.outputs(projection)),
                1));
      }
    }
    return new LoraWeights(pairs, Map.of(), Map.of(), null, 0);
  }

  private static Matrix small(Random random, int rows, int cols) {
    Matrix matrix = Matrix.allocate(DType.BF16, rows, cols);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < cols; j++) {
        matrix.set(i, j, 0.01f * (random.nextFloat() - 0.5f));
      }
    }
    return matrix;
  }
}
