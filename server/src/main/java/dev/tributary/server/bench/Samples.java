package dev.tributary.server.bench;

import java.util.Arrays;

/// Durations in nanoseconds. Not thread safe.
final class Samples {
  private static final double NANOS_A_MILLI = 1e6;

  private long[] values = new long[256];
  private int count;

  void add(long nanos) {
    if (count == values.length) {
      values = Arrays.copyOf(values, 2 * count);
    }
    values[count++] = nanos;
  }

  void addAll(Samples other) {
    for (int i = 0; i < other.count; i++) {
      add(other.values[i]);
    }
  }

  int count() {
    return count;
  }

  /// All zero where there are none.
  Summary summary() {
    if (count == 0) {
      return new Summary(0, 0, 0, 0, 0, 0);
    }
    long[] sorted = Arrays.copyOf(values, count);
    Arrays.sort(sorted);
    return new Summary(
        count,
        Arrays.stream(sorted).average().orElse(0) / NANOS_A_MILLI,
        percentile(sorted, 50),
        percentile(sorted, 95),
        percentile(sorted, 99),
        sorted[count - 1] / NANOS_A_MILLI);
  }

  /// Nearest rank: the smallest value that at least `percent` of all do not exceed.
  private static double percentile(long[] sorted, int percent) {
    int rank = (int) Math.ceilDiv((long) percent * sorted.length, 100);
    return sorted[rank - 1] / NANOS_A_MILLI;
  }

  /// In milliseconds.
  record Summary(int count, double mean, double p50, double p95, double p99, double max) {}
}
