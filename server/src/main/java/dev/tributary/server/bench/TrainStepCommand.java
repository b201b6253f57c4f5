package dev.tributary.server.bench;

import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.GradientPass.Part;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights.Form;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Projection;
import dev.tributary.server.model.Trainable;
import dev.tributary.server.model.TrainingRow;
import dev.tributary.server.tensor.AdamStep;
import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Tokens a second of training.
@Command(
    name = "train-step",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Tokens a second of one training step: losses, gradients and the optimiser's step of adapters"
          + " on all linear layers. The fastest of several steps counts: what else the machine does"
          + " only ever adds. With --processor-time and one thread, what else it does does not count"
          + " at all.",
      ""
    })
final class TrainStepCommand implements Callable<Integer> {
  /// Spread of the pairs' values.
  private static final double SPREAD = 0.01;

  @Parameters(paramLabel = "MODEL", description = "A .gguf file or a Hugging Face folder.")
  private Path file = Path.of("");

  @Option(
      names = "--tokens",
      split = ",",
      paramLabel = "N",
      defaultValue = "256,512,1024",
      description = "Tokens of a step. Default: ${DEFAULT-VALUE}.")
  private int[] tokens = {256, 512, 1024};

  @Option(
      names = "--row",
      paramLabel = "N",
      defaultValue = "128",
      description = "Tokens of a row, at most. Default: ${DEFAULT-VALUE}.")
  private int row = 128;

  @Option(
      names = "--shared",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Tokens that all rows begin with, as a system prompt. Default: ${DEFAULT-VALUE}.")
  private int shared;

  @Option(
      names = "--targets",
      paramLabel = "PERCENT",
      defaultValue = "50",
      description = "Tokens that are learnt. Default: ${DEFAULT-VALUE}.")
  private int targets = 50;

  @Option(
      names = "--rank",
      paramLabel = "N",
      defaultValue = "16",
      description = "Of the adapters. Default: ${DEFAULT-VALUE}.")
  private int rank = 16;

  @Option(
      names = "--adapters",
      paramLabel = "N",
      defaultValue = "1",
      description = "Adapters that share a step's rows. Default: ${DEFAULT-VALUE}.")
  private int adapters = 1;

  @Option(
      names = "--activations",
      paramLabel = "MIB",
      defaultValue = "1024",
      description =
          "Memory for activations; the rest is computed again. Default: ${DEFAULT-VALUE}.")
  private int activations = 1024;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that compute. Default: the processors of this process.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "12",
      description = "Steps that are measured, after half as many. Default: ${DEFAULT-VALUE}.")
  private int steps = 12;

  @Option(
      names = "--processor-time",
      description = "Count the time that the processor worked, not the clock's; one thread only.")
  private boolean processorTime;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
  private @Nullable Path json;

  /// Milliseconds, the fastest of all steps for each part.
  ///
  /// @param parts of the pass, by what its pieces do
  /// @param piece the longest piece of a pass, in the step where it was shortest
  record Line(int tokens, Map<Part, Double> parts, double optimiser, double piece) {
    double of(Part... of) {
      return Arrays.stream(of).mapToDouble(part -> parts.getOrDefault(part, 0.0)).sum();
    }

    double forward() {
      return of(Part.FORWARD_ATTENTION, Part.FORWARD_FEED_FORWARD);
    }

    double head() {
      return of(Part.HEAD, Part.HEAD_BACKWARD);
    }

    double backward() {
      return of(Part.BACKWARD_ATTENTION, Part.BACKWARD_FEED_FORWARD);
    }

    double again() {
      return of(Part.AGAIN);
    }

    double all() {
      return forward() + head() + backward() + again() + optimiser;
    }

    /// Of each the smaller.
    Line least(Line other) {
      Map<Part, Double> least = new EnumMap<>(parts);
      other.parts.forEach((part, millis) -> least.merge(part, millis, Math::min));
      return new Line(
          tokens, least, Math.min(optimiser, other.optimiser), Math.min(piece, other.piece));
    }
  }

  @Override
  public Integer call() throws Exception {
    check();
    Machine machine = Machine.measure(threads);
    System.out.print(machine.text());
    Checkpoint checkpoint = Checkpoint.open(file);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    int most = Arrays.stream(tokens).max().orElse(1);
    List<Line> lines = new ArrayList<>();
    try (Ops ops = Ops.cpu(Libtorch.bundled(), threads)) {
      ops.claimThread();
      Llama llama = LlamaLoader.load(checkpoint, config, ops, 1, 1);
      try (GradientPass pass = new GradientPass(llama, most, (long) activations << 20)) {
        List<Trainable> trained = new ArrayList<>();
        for (int i = 0; i < adapters; i++) {
          trained.add(trainable(config, new Random(i)));
        }
        for (int count : tokens) {
          lines.add(measure(pass, rows(config, trained, count), trained, count));
        }
        trained.forEach(Trainable::close);
      }
    }
    System.out.print(text(lines));
    new Report("train-step", Instant.now())
        .put("machine", machine)
        .put("rank", rank)
        .put("adapters", adapters)
        .put("row", row)
        .put("shared", shared)
        .put("targets_percent", targets)
        .put("lines", lines)
        .write(json);
    return 0;
  }

  private void check() {
    if (rank < 1 || row < 2 || adapters < 1 || steps < 1 || activations < 0) {
      throw new IllegalArgumentException("--rank, --row, --adapters or --steps is too small");
    }
    if (targets < 1 || targets > 100 || shared < 0 || Arrays.stream(tokens).anyMatch(n -> n < 2)) {
      throw new IllegalArgumentException(
          "--targets must be 1 to 100, --tokens above 1, --shared 0 or more");
    }
    if (processorTime && threads != 1) {
      throw new IllegalArgumentException("--processor-time counts that of one thread: --threads 1");
    }
  }

  /// Nanoseconds since some time.
  private long now() {
    return processorTime
        ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
        : System.nanoTime();
  }

  private Trainable trainable(LlamaConfig config, Random random) {
    Map<Site, Form> forms = new HashMap<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (Projection projection : Projection.values()) {
        int inputs = config.inputs(projection);
        int outputs = config.outputs(projection);
        forms.put(
            new Site(layer, projection), new Form(DType.F32, DType.F32, rank, inputs, outputs, 2));
      }
    }
    Trainable trainable = new Trainable(forms);
    for (long at = 0; at < trainable.values().size(); at += Float.BYTES) {
      trainable.values().putFloat(at, (float) (SPREAD * random.nextGaussian()));
    }
    return trainable;
  }

  /// Rows of like length that read `count` tokens together, the adapters' in turn.
  private List<TrainingRow> rows(LlamaConfig config, List<Trainable> trained, int count) {
    int number = Math.max(Math.ceilDiv(count, row), Math.min(trained.size(), count / 2));
    List<TrainingRow> rows = new ArrayList<>();
    Random random = new Random(count);
    for (int i = 0; i < number; i++) {
      int length = count * (i + 1) / number - count * i / number;
      int[] ids = random.ints(length + 1, 0, config.vocabulary()).toArray();
      for (int t = 0; t < Math.min(shared, length); t++) {
        ids[t] = t;
      }
      int from = Math.clamp(length + 1 - (long) length * targets / 100, 1, length);
      rows.add(new TrainingRow(ids, from, trained.get(i % trained.size()), 1f / count));
    }
    return rows;
  }

  private Line measure(
      GradientPass pass, List<TrainingRow> rows, List<Trainable> trained, int count) {
    List<Bytes> moments = new ArrayList<>();
    for (Trainable each : trained) {
      moments.add(Bytes.reserve(each.values().size()));
      moments.add(Bytes.reserve(each.values().size()));
    }
    Line best = step(pass, rows, trained, moments, count);
    for (int i = 0; i < steps / 2; i++) {
      best = step(pass, rows, trained, moments, count);
    }
    for (int i = 1; i < steps; i++) {
      best = best.least(step(pass, rows, trained, moments, count));
    }
    return best;
  }

  private Line step(
      GradientPass pass,
      List<TrainingRow> rows,
      List<Trainable> trained,
      List<Bytes> moments,
      int count) {
    Map<Part, Double> parts = new EnumMap<>(Part.class);
    double longest = 0;
    pass.begin(rows, true);
    boolean more = true;
    while (more) {
      Part part = pass.next().orElseThrow();
      long start = now();
      more = pass.advance();
      double millis = (now() - start) / 1e6;
      parts.merge(part, millis, Double::sum);
      longest = Math.max(longest, millis);
    }
    long start = now();
    for (int i = 0; i < trained.size(); i++) {
      optimise(pass, trained.get(i), moments.get(2 * i), moments.get(2 * i + 1));
    }
    return new Line(count, parts, (now() - start) / 1e6, longest);
  }

  /// Clipped to a norm of 1, as trainers do.
  private static void optimise(GradientPass pass, Trainable trained, Bytes first, Bytes second) {
    long floats = trained.floats();
    double norm = Math.sqrt(pass.ops().sumOfSquares(trained.gradientValues(), 0, floats));
    AdamStep step =
        new AdamStep(
            1e-5f, 0.9f, 0.999f, 1e-8f, 0, 0.1f, 0.001f, (float) Math.min(1, 1 / (norm + 1e-6)));
    pass.ops().adam(trained.values(), trained.gradientValues(), first, second, 0, floats, step);
    trained.clearGradients();
  }

  private static String text(List<Line> lines) {
    Table table =
        new Table(
            "tokens",
            "ms",
            "tokens/s",
            "forward",
            "head",
            "backward",
            "again",
            "optimiser",
            "longest piece");
    for (Line line : lines) {
      table.add(
          Integer.toString(line.tokens()),
          "%.1f".formatted(line.all()),
          "%.0f".formatted(line.tokens() / line.all() * 1000),
          share(line.forward(), line),
          share(line.head(), line),
          share(line.backward(), line),
          share(line.again(), line),
          share(line.optimiser(), line),
          "%.1f".formatted(line.piece()));
    }
    return table.text();
  }

  private static String share(double millis, Line line) {
    return "%.1f (%.0f%%)".formatted(millis, 100 * millis / line.all());
  }
}
