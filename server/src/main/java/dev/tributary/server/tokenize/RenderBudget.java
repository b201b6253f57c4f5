package dev.tributary.server.tokenize;

import java.time.Duration;
import java.util.function.LongSupplier;

/// What one rendering may spend. Everything a template can repeat or grow is charged here, so a
/// hostile template ends in a [TemplateException] and nothing else.
final class RenderBudget {
  /// Bounds of one rendering.
  ///
  /// @param time wall clock
  /// @param steps expressions and statements evaluated, plus characters compared in searches
  /// @param depth nesting of evaluation (blocks, expressions, macro calls)
  /// @param characters code points in one string; the sum of all strings made may be 16 times that
  /// @param elements entries of one list or map; the sum of all made may be 16 times that
  record Limits(Duration time, long steps, int depth, int characters, int elements) {
    static final Limits DEFAULT =
        new Limits(Duration.ofSeconds(5), 20_000_000, 600, 8_000_000, 100_000);
  }

  private static final int TOTAL_FACTOR = 16;
  private static final int STEPS_PER_CLOCK_READING = 256;

  private final Limits limits;
  private final LongSupplier nanoTime;
  private final long start;
  private long steps;
  private long nextReading = STEPS_PER_CLOCK_READING;
  private long characters;
  private long elements;
  private int depth;

  RenderBudget(Limits limits, LongSupplier nanoTime) {
    this.limits = limits;
    this.nanoTime = nanoTime;
    this.start = nanoTime.getAsLong();
  }

  void work(long count) {
    steps += count;
    if (steps > limits.steps()) {
      throw new TemplateException("chat template took more than " + limits.steps() + " steps");
    }
    if (steps >= nextReading) {
      nextReading = steps + STEPS_PER_CLOCK_READING;
      if (nanoTime.getAsLong() - start > limits.time().toNanos()) {
        throw new TemplateException("chat template took longer than " + limits.time());
      }
    }
  }

  void enter() {
    work(1);
    if (++depth > limits.depth()) {
      throw new TemplateException("chat template nests deeper than " + limits.depth());
    }
  }

  void leave() {
    depth--;
  }

  /// Charges for a string about to be made.
  void text(long length) {
    characters += length;
    length(Math.max(length, characters / TOTAL_FACTOR));
    work(length >> 6);
  }

  /// Checks the length of a string that is growing, whose parts are charged.
  void length(long length) {
    if (length > limits.characters()) {
      throw new TemplateException(
          "chat template made more than " + limits.characters() + " characters of text");
    }
  }

  /// Charges for a list or map about to be made.
  void collection(long size) {
    elements += size;
    if (size > limits.elements() || elements > (long) TOTAL_FACTOR * limits.elements()) {
      throw new TemplateException(
          "chat template made lists of more than " + limits.elements() + " entries");
    }
    work(size);
  }
}
