package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Span;
import dev.tributary.server.model.StepRunner;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/// A model whose logits are a hash of everything before them, read back through the page table: a
/// page with two owners, a token left out, the wrong adapters or the wrong path change the answer.
final class HashModel implements StepRunner {
  static final int VOCABULARY = 64;

  private static final int WORKERS = 3;

  /// Spans of every step, for tests to look at.
  final List<List<Span>> steps = new ArrayList<>();

  /// Threads that claimed the device.
  final List<Thread> claims = new ArrayList<>();

  /// Thrown by the next steps, one each.
  final List<Throwable> failures = new ArrayList<>();

  /// Run at the start of every step.
  Runnable onStep = () -> {};

  /// The token that is by far the most likely at a position, or -1.
  IntUnaryOperator script = position -> -1;

  /// A token whose logits are NaN, or -1.
  int poisoned = -1;

  private final int maxTokens;
  private final int wideFrom;
  private final long[][] cache;

  HashModel(int pages, int maxTokens, int wideFrom) {
    this.maxTokens = maxTokens;
    this.wideFrom = wideFrom;
    cache = new long[pages][KvCache.PAGE];
  }

  @Override
  public int maxTokens() {
    return maxTokens;
  }

  @Override
  public int wideFrom() {
    return wideFrom;
  }

  @Override
  public void claimThread() {
    claims.add(Thread.currentThread());
  }

  @Override
  public int workers() {
    return WORKERS;
  }

  @Override
  public void forEach(int items, Ops.ItemWork work) {
    AtomicInteger next = new AtomicInteger();
    IntStream.range(0, WORKERS)
        .parallel()
        .forEach(
            worker -> {
              for (int i = next.getAndIncrement(); i < items; i = next.getAndIncrement()) {
                work.run(worker, i);
              }
            });
  }

  @Override
  public Matrix run(List<Span> spans) {
    onStep.run();
    steps.add(spans);
    if (!failures.isEmpty()) {
      sneak(failures.removeFirst());
    }
    int rows = spans.stream().mapToInt(Span::logitRows).sum();
    Matrix logits = Matrix.allocate(DType.F32, rows, VOCABULARY);
    int row = 0;
    checkOrder(spans);
    for (Span span : spans) {
      for (int i = 0; i < span.tokens().length; i++) {
        write(span, span.position() + i, hash(span, span.tokens()[i]));
        if (i >= span.logitsFrom()) {
          int position = span.position() + i;
          fill(logits, row, history(span, position));
          int forced = script.applyAsInt(position + 1);
          if (forced >= 0) {
            logits.set(row, forced, 50);
          }
          if (span.tokens()[i] == poisoned) {
            logits.set(row, 0, Float.NaN);
          }
          row++;
        }
      }
    }
    return logits;
  }

  private static void checkOrder(List<Span> spans) {
    for (int i = 1; i < spans.size(); i++) {
      if (spans.get(i).path().compareTo(spans.get(i - 1).path()) < 0) {
        throw new IllegalArgumentException("a narrow span after a wide one");
      }
    }
  }

  private void write(Span span, int position, long value) {
    cache[span.pages()[position / KvCache.PAGE]][position % KvCache.PAGE] = value;
  }

  private long history(Span span, int position) {
    long hash = 1;
    for (int i = 0; i <= position; i++) {
      hash = hash * 31 + cache[span.pages()[i / KvCache.PAGE]][i % KvCache.PAGE];
    }
    return hash;
  }

  private static long hash(Span span, int token) {
    long hash = 2 * token + span.path().ordinal();
    for (AdapterUse use : span.adapters()) {
      hash = hash * 1_000_003 + Float.floatToIntBits(use.scale()) + use.weights().bytes();
    }
    return hash;
  }

  private static void fill(Matrix logits, int row, long seed) {
    Random random = new Random(seed);
    for (int id = 0; id < VOCABULARY; id++) {
      logits.set(row, id, (float) random.nextGaussian() * 2);
    }
  }

  private static void sneak(Throwable failure) {
    switch (failure) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalArgumentException(failure);
    }
  }
}
