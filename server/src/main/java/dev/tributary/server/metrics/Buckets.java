package dev.tributary.server.metrics;

import java.time.Duration;
import java.util.Arrays;

/// Upper bounds of the histograms' buckets. Fixed, so that histograms of several servers add up and
/// Prometheus computes percentiles over all of them.
final class Buckets {
  /// A step, or what lies between two tokens: 1 ms to 5 s.
  static final Duration[] STEP =
      millis(1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 250, 500, 1_000, 2_500, 5_000);

  /// A call or a part of it: 5 ms to 5 min.
  static final Duration[] CALL =
      millis(
          5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000,
          300_000);

  /// Reading an adapter: 1 ms to 30 s.
  static final Duration[] LOAD =
      millis(1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000);

  /// Making a record durable: 1 ms to 1 s.
  static final Duration[] APPEND = millis(1, 2, 3, 5, 7, 10, 15, 25, 50, 100, 250, 500, 1_000);

  /// Attributing an answer: 5 ms to 1 min.
  static final Duration[] ATTRIBUTION =
      millis(5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000);

  /// Tokens of a request: powers of two up to 131,072.
  static final double[] TOKENS = {
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536,
    131_072
  };

  private Buckets() {}

  private static Duration[] millis(long... millis) {
    return Arrays.stream(millis).mapToObj(Duration::ofMillis).toArray(Duration[]::new);
  }
}
