package dev.tributary.server.bench;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/// Ranks 0 to n - 1, the k-th with a probability proportional to `1 / (k + 1)^s`: how often callers
/// name each of many adapters.
final class Zipf {
  private final double[] cumulative;

  /// @param s 0 is uniform
  Zipf(int n, double s) {
    if (n < 1 || !(s >= 0) || s > 10) {
      throw new IllegalArgumentException(n + " ranks with exponent " + s);
    }
    cumulative = new double[n];
    double sum = 0;
    for (int k = 0; k < n; k++) {
      sum += Math.pow(k + 1, -s);
      cumulative[k] = sum;
    }
    for (int k = 0; k < n; k++) {
      cumulative[k] /= sum;
    }
  }

  /// Draws a rank.
  int next(RandomGenerator random) {
    int at = Arrays.binarySearch(cumulative, random.nextDouble());
    // A rank's share begins with the sum before it.
    int rank = at >= 0 ? at + 1 : -at - 1;
    return Math.min(rank, cumulative.length - 1);
  }

  double probability(int rank) {
    return cumulative[rank] - (rank == 0 ? 0 : cumulative[rank - 1]);
  }
}
