package dev.tributary.server.bench;

import java.util.random.RandomGenerator;

/// A Poisson process: callers who don't know of each other.
final class Arrivals {
  private final double meanNanos;
  private final RandomGenerator random;

  /// @param rate arrivals a second, above 0
  Arrivals(double rate, RandomGenerator random) {
    if (!(rate > 0) || Double.isInfinite(rate)) {
      throw new IllegalArgumentException("a rate of " + rate);
    }
    meanNanos = 1e9 / rate;
    this.random = random;
  }

  /// Nanoseconds to the next arrival.
  long next() {
    // nextDouble is below 1, so the logarithm's argument is above 0.
    return (long) (-Math.log(1 - random.nextDouble()) * meanNanos);
  }
}
