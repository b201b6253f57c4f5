package dev.tributary.server.bench;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.Span;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// The graph alone, without scheduler, sampler or network: the same measure as the llama.cpp peer's
/// (`.ci/peers`). Owned by the thread that opens it.
final class OfflineModel implements AutoCloseable {
  /// Tokens of a row's prompt before it decodes.
  static final int PROMPT = 64;

  /// Where rows decode: in the middle of the tokens that the peer's rows decode. Always the same
  /// place, so that every step costs the same.
  private static final int POSITION = PROMPT + 28;

  private static final int PAGES_A_ROW = POSITION / KvCache.PAGE + 1;

  private final Ops ops;
  private final Llama llama;
  private final long weightBytes;
  private final int rank;
  private final PathChoice paths;
  private final List<AdapterUse> adapters = new ArrayList<>();

  private OfflineModel(Ops ops, Llama llama, int rank, PathChoice paths) {
    this.ops = ops;
    this.llama = llama;
    this.rank = rank;
    this.paths = paths;
    weightBytes = llama.residentBytes().values().stream().mapToLong(Long::longValue).sum();
  }

  /// @param model a GGUF file or a Hugging Face folder
  /// @param ops closed with the model
  /// @param rank of the adapters
  /// @param mostRows most sequences of a step
  /// @param mostTokens most tokens of a step
  static OfflineModel open(
      Path model, Ops ops, int rank, PathChoice paths, int mostRows, int mostTokens)
      throws IOException {
    Checkpoint checkpoint = Checkpoint.open(model);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    if (mostTokens > config.context()) {
      throw new IllegalArgumentException(
          "--tokens " + mostTokens + ": the model's context is " + config.context());
    }
    int pages = Math.max(mostRows * PAGES_A_ROW, Math.ceilDiv(mostTokens, KvCache.PAGE));
    int step = Math.max(PROMPT, Math.max(mostRows, mostTokens));
    ops.claimThread();
    return new OfflineModel(
        ops, LlamaLoader.load(checkpoint, config, ops, pages, step), rank, paths);
  }

  long weightBytes() {
    return weightBytes;
  }

  /// The path of a step of so many tokens.
  ComputePath path(int tokens) {
    return paths.of(tokens, ops.wideFrom());
  }

  /// Steps of one token a row, after the rows' prompts, with the logits of every row.
  ///
  /// @param distinct adapters that the rows share in turn; 0 is none
  Runnable decode(int rows, int distinct) {
    for (int row = 0; row < rows; row++) {
      int[] prompt = prompt(1000 + 7 * row, PROMPT);
      llama.run(
          List.of(
              new Span(prompt, 0, pages(row), adapters(row, distinct), path(PROMPT), PROMPT - 1)));
    }
    List<Span> spans = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      spans.add(step(row, distinct == 0 ? 0 : row % distinct, distinct, rows));
    }
    // Rows of one adapter side by side, as the engine orders them.
    spans.sort((a, b) -> Integer.compare(order(a), order(b)));
    return () -> llama.run(spans);
  }

  /// Steps of one row that takes another adapter at every step.
  Runnable swapping(int distinct) {
    decode(1, 1).run();
    int[] turn = {0};
    return () -> llama.run(List.of(step(0, turn[0]++ % distinct, distinct, 1)));
  }

  private Span step(int row, int adapter, int distinct, int rows) {
    return new Span(
        prompt(2000 + row, 1), POSITION, pages(row), adapters(adapter, distinct), path(rows), 0);
  }

  private int order(Span span) {
    return span.adapters().isEmpty() ? -1 : adapters.indexOf(span.adapters().getFirst());
  }

  Work decodeWork(int rows, int distinct) {
    long keys = (long) rows * (POSITION + 1);
    int adapted = distinct == 0 ? 0 : rows;
    return work(new Work.Shape(rows, rows, keys, keys, adapted, Math.min(distinct, rows)));
  }

  /// A prompt of so many tokens in one step, with the logits of the last.
  Runnable prefill(int tokens, int distinct) {
    int[] prompt = prompt(1000, tokens);
    int[] pages = IntStream.range(0, Math.ceilDiv(tokens, KvCache.PAGE)).toArray();
    List<Span> spans =
        List.of(new Span(prompt, 0, pages, adapters(0, distinct), path(tokens), tokens - 1));
    return () -> llama.run(spans);
  }

  Work prefillWork(int tokens, int distinct) {
    long keys = (long) tokens * (tokens + 1) / 2;
    return work(
        new Work.Shape(tokens, 1, keys, tokens, distinct == 0 ? 0 : tokens, Math.min(distinct, 1)));
  }

  private Work work(Work.Shape shape) {
    return Work.of(llama.config(), weightBytes, rank, shape);
  }

  private int[] prompt(int first, int tokens) {
    int vocabulary = llama.config().vocabulary();
    return IntStream.range(first, first + tokens).map(id -> id % vocabulary).toArray();
  }

  private static int[] pages(int row) {
    return IntStream.range(row * PAGES_A_ROW, (row + 1) * PAGES_A_ROW).toArray();
  }

  private List<AdapterUse> adapters(int row, int distinct) {
    if (distinct == 0) {
      return List.of();
    }
    while (adapters.size() < distinct) {
      adapters.add(new AdapterUse(RandomAdapter.of(llama.config(), rank, adapters.size()), 1));
    }
    return List.of(adapters.get(row % distinct));
  }

  /// Median milliseconds of `step` over `seconds`, after `warmUp` seconds that do not count.
  static double median(Runnable step, double warmUp, double seconds) {
    times(step, warmUp);
    double[] times = times(step, seconds);
    return times[times.length / 2];
  }

  /// In order of size; at least one.
  private static double[] times(Runnable step, double seconds) {
    double[] times = new double[64];
    int count = 0;
    long end = System.nanoTime() + (long) (seconds * 1e9);
    do {
      long start = System.nanoTime();
      step.run();
      if (count == times.length) {
        times = Arrays.copyOf(times, 2 * count);
      }
      times[count++] = (System.nanoTime() - start) / 1e6;
    } while (System.nanoTime() < end);
    times = Arrays.copyOf(times, count);
    Arrays.sort(times);
    return times;
  }

  @Override
  public void close() {
    ops.close();
  }
}
