package dev.tributary.server.train;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// Random numbers that are functions of a seed, a purpose and two indices only, whatever was drawn
/// before: a run that resumes draws what it would have drawn.
///
/// L64X128MixRandom (Steele and Vigna 2021). What is made of its 64 bits is computed here, since
/// the JDK does not promise that other ranges stay the same.
final class Draw {
  /// What the numbers are for.
  enum Purpose {
    FIRST_VALUES,
    ORDER,
    HELD_OUT,
    SUBSETS
  }

  private static final RandomGeneratorFactory<RandomGenerator> FACTORY =
      RandomGeneratorFactory.of("L64X128MixRandom");

  private final RandomGenerator random;

  Draw(long seed, Purpose purpose, long a, long b) {
    random = FACTORY.create(mix(mix(mix(mix(seed) + purpose.ordinal()) + a) + b));
  }

  /// The finaliser of SplitMix64 (Steele et al. 2014).
  private static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /// In [0, 1), of 24 bits: every float there that has no more.
  float unit() {
    return (random.nextLong() >>> 40) * 0x1p-24f;
  }

  /// In [0, bound). The bias is below `bound / 2^63`.
  int below(int bound) {
    return (int) Math.unsignedMultiplyHigh(random.nextLong(), bound);
  }

  /// Puts an array in a random order (Fisher and Yates).
  void shuffle(int[] values) {
    for (int i = values.length - 1; i > 0; i--) {
      int j = below(i + 1);
      int swapped = values[i];
      values[i] = values[j];
      values[j] = swapped;
    }
  }
}
