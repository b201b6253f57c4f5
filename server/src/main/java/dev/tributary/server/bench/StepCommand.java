package dev.tributary.server.bench;

import dev.tributary.server.engine.Engine;
import dev.tributary.server.engine.EngineSettings;
import dev.tributary.server.engine.Failure;
import dev.tributary.server.engine.Job;
import dev.tributary.server.engine.Observer;
import dev.tributary.server.engine.Sampling;
import dev.tributary.server.engine.Ticket;
import dev.tributary.server.engine.TokenText;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.schedule.PathRun;
import dev.tributary.server.schedule.Priority;
import dev.tributary.server.schedule.Request;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// What the engine adds to the graph.
@Command(
    name = "step",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Time of the engine's decode steps, and its part outside of the graph: scheduling, sampling,"
          + " turning tokens into text, telling who asked. Rows in this process, no gRPC.",
      ""
    })
final class StepCommand implements Callable<Integer> {
  private static final int PROMPT = 64;

  /// Tokens that a row generates at most.
  private static final int ANSWER = 512;

  private static final int MOST_ROWS = 64;

  /// Seconds until all rows have read their prompts, at most.
  private static final int PATIENCE = 120;

  @Parameters(paramLabel = "MODEL", description = "A .gguf file or a Hugging Face folder.")
  private Path file = Path.of("");

  @Option(
      names = "--rows",
      split = ",",
      paramLabel = "N",
      defaultValue = "1,8,32",
      description = "Sequences that decode together. Default: ${DEFAULT-VALUE}.")
  private int[] rows = {1, 8, 32};

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that compute. Default: the processors of this process.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--seconds",
      defaultValue = "4",
      description = "How long each figure is measured. Default: ${DEFAULT-VALUE}.")
  private double seconds = 4;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
  private @Nullable Path json;

  /// @param sampling `greedy` or what sampled rows draw by
  record Line(int rows, String sampling, StepTimes.Shares millis) {}

  @Override
  public Integer call() throws Exception {
    int most = Arrays.stream(rows).max().orElse(1);
    if (most > MOST_ROWS || Arrays.stream(rows).anyMatch(n -> n < 1)) {
      throw new IllegalArgumentException("--rows must be between 1 and " + MOST_ROWS);
    }
    Machine machine = Machine.measure(threads);
    System.out.print(machine.text());
    Checkpoint checkpoint = Checkpoint.open(file);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    // A page a row to spare, whatever the engine keeps of it.
    int pages = most * (Math.ceilDiv(PROMPT + ANSWER, KvCache.PAGE) + 1);
    EngineSettings settings =
        EngineSettings.of("bench", false, config.context(), config.vocabulary(), pages);
    List<Line> lines = new ArrayList<>();
    try (Ops ops = Ops.cpu(Libtorch.bundled(), threads)) {
      StepTimes times =
          new StepTimes(LlamaLoader.load(checkpoint, config, ops, pages, settings.stepTokens()));
      CompletableFuture<Void> broken = new CompletableFuture<>();
      try (Engine engine =
          new Engine(
              times,
              endless(TokenText.of(ModelTokenizer.of(checkpoint))),
              settings,
              System::nanoTime,
              broken::completeExceptionally)) {
        engine.start();
        measure(engine, times, most, true); // the compiler's time, not the engine's
        for (int count : rows) {
          lines.add(new Line(count, "greedy", measure(engine, times, count, false)));
          lines.add(new Line(count, "top-p 0.95", measure(engine, times, count, true)));
        }
      }
    }
    System.out.print(text(lines));
    new Report("step", Instant.now()).put("machine", machine).put("lines", lines).write(json);
    return 0;
  }

  private StepTimes.Shares measure(Engine engine, StepTimes times, int count, boolean sampled)
      throws InterruptedException {
    CountDownLatch ended = new CountDownLatch(count);
    List<Ticket> tickets = new ArrayList<>();
    CompletableFuture<Void> begun = times.record(count);
    for (int row = 0; row < count; row++) {
      tickets.add(engine.submit(job(row, sampled), new Listener(times, ended)));
    }
    try {
      begun.completeOnTimeout(null, PATIENCE, TimeUnit.SECONDS).join();
      var unused = ended.await((long) (seconds * 1e9), TimeUnit.NANOSECONDS);
      return times.shares();
    } finally {
      tickets.forEach(Ticket::cancel);
      ended.await();
    }
  }

  private static Job job(int row, boolean sampled) {
    Sampling greedy = Sampling.greedy(ANSWER);
    Sampling drawn =
        new Sampling(ANSWER, 0.8f, 0, 0.95f, 0, 1, 0, 0, row + 1L, List.of(), Set.of(), Map.of());
    return new Job(
        "bench-" + row,
        "bench",
        Request.DEFAULT_WEIGHT,
        IntStream.range(1000 + 7 * row, 1000 + 7 * row + PROMPT).toArray(),
        List.of(),
        sampled ? drawn : greedy,
        OptionalInt.empty(),
        OptionalLong.empty(),
        OptionalLong.empty(),
        Priority.NORMAL,
        false,
        false,
        List.of());
  }

  /// The model's own text, without the tokens that end an answer: rows decode until they are full.
  private static TokenText endless(TokenText text) {
    return new TokenText() {
      @Override
      public Decoder decoder(int... context) {
        return text.decoder(context);
      }

      @Override
      public Set<Integer> stopIds() {
        return Set.of();
      }
    };
  }

  private static String text(List<Line> lines) {
    Table table =
        new Table(
            "rows",
            "sampling",
            "steps",
            "ms a step",
            "graph",
            "sample",
            "publish",
            "schedule",
            "outside");
    for (Line line : lines) {
      StepTimes.Shares ms = line.millis();
      table.add(
          Integer.toString(line.rows()),
          line.sampling(),
          Integer.toString(ms.steps()),
          "%.2f".formatted(ms.step()),
          "%.2f".formatted(ms.run()),
          "%.3f".formatted(ms.sample()),
          "%.3f".formatted(ms.publish()),
          "%.3f".formatted(ms.schedule()),
          "%.1f%%".formatted(100 * ms.outside()));
    }
    return table.text();
  }

  /// Marks when the engine tells of a row.
  private record Listener(StepTimes times, CountDownLatch ended) implements Observer {
    @Override
    public void onStarted(Started started) {}

    @Override
    public void onDelta(Delta delta) {
      times.delta();
    }

    @Override
    public void onFinished(Finished finished) {
      ended.countDown();
    }

    @Override
    public void onFailed(Failure failure, List<PathRun> paths, float[] drawn) {
      ended.countDown();
    }
  }
}
