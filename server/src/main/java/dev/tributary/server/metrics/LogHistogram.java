package dev.tributary.server.metrics;

import java.time.Duration;
import java.util.Optional;

/// Percentiles of durations within a factor of 2^(1/4) (19%), in a fixed half kilobyte: bucket `i`
/// counts durations of about `2^(i/4)` microseconds, the last one 2^32 us (71 min) and more.
///
/// Not thread safe.
final class LogHistogram {
  private static final int PER_DOUBLING = 4;
  static final int BUCKETS = 32 * PER_DOUBLING + 1;

  private final int[] counts = new int[BUCKETS];
  private long total;

  /// @param nanos below 0 counts as 0
  void add(long nanos) {
    double micros = Math.max(1, nanos / 1e3);
    int bucket = (int) Math.round(Math.log(micros) / Math.log(2) * PER_DOUBLING);
    counts[Math.min(bucket, BUCKETS - 1)]++;
    total++;
  }

  void addAll(LogHistogram other) {
    for (int i = 0; i < BUCKETS; i++) {
      counts[i] += other.counts[i];
    }
    total += other.total;
  }

  long total() {
    return total;
  }

  /// The duration that a share `p` of all does not exceed; empty without any.
  ///
  /// @param p in (0, 1]
  Optional<Duration> percentile(double p) {
    long rank = Math.max(1, (long) Math.ceil(p * total));
    long seen = 0;
    for (int i = 0; i < BUCKETS && total > 0; i++) {
      seen += counts[i];
      if (seen >= rank) {
        double micros = Math.pow(2, (double) i / PER_DOUBLING);
        return Optional.of(Duration.ofNanos(Math.round(micros * 1e3)));
      }
    }
    return Optional.empty();
  }
}
