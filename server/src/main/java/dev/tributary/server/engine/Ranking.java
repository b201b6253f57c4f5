package dev.tributary.server.engine;

import java.util.Arrays;

/// Tokens of a vocabulary by likelihood, ties to the lowest id.
///
/// Sorting a whole vocabulary would cost more than all else in sampling, and what is wanted of it
/// is nearly always a short beginning. So tokens are dealt into buckets of likelihood, and a bucket
/// is sorted when a walk reaches it.
final class Ranking {
  /// Buckets a nat.
  private static final int RESOLUTION = 8;

  /// The last holds all beyond 64 nats.
  private static final int BUCKETS = 64 * RESOLUTION + 1;

  /// Nats below the most likely token.
  private final float[] distances;

  /// Likelihood as a multiple of the most likely token's.
  private final float[] weights;

  /// Distance's bits, then id: in ascending order, the most likely first.
  private final long[] ranked;

  /// Bucket b is `ranked[starts[b] .. starts[b + 1])`.
  private final int[] starts = new int[BUCKETS + 1];

  /// Buckets below are sorted.
  private int sortedBuckets;

  Ranking(int vocabulary) {
    distances = new float[vocabulary];
    weights = new float[vocabulary];
    ranked = new long[vocabulary];
  }

  /// Ranks `logits`, whose largest is finite, at a temperature above 0. Returns all of them, as a
  /// walk would.
  Prefix rank(float[] logits, float max, float temperature) {
    Softmax.weigh(logits, max, temperature, distances, weights);
    Arrays.fill(starts, 0);
    for (float distance : distances) {
      starts[bucket(distance) + 1]++;
    }
    for (int b = 0; b < BUCKETS; b++) {
      starts[b + 1] += starts[b];
    }
    // Dealing moves each start to where the next bucket's is; they are shifted back afterwards.
    for (int id = 0; id < distances.length; id++) {
      long bits = Float.floatToRawIntBits(distances[id]);
      ranked[starts[bucket(distances[id])]++] = bits << 32 | id;
    }
    System.arraycopy(starts, 0, starts, 1, BUCKETS);
    starts[0] = 0;
    sortedBuckets = 0;
    return new Prefix(logits.length, Softmax.sum(weights));
  }

  /// The token at `rank`, which a walk must have reached.
  int id(int rank) {
    return (int) ranked[rank];
  }

  /// Its likelihood as a multiple of the most likely token's.
  float weight(int rank) {
    return weights[id(rank)];
  }

  /// Passes tokens from the most likely on: at most `limit`, none lighter than `lightest`, and none
  /// after the first that takes the sum of weights above `mass`.
  Prefix walk(int limit, double mass, float lightest) {
    double sum = 0;
    int count = 0;
    while (count < limit) {
      while (count >= starts[sortedBuckets]) {
        Arrays.sort(ranked, starts[sortedBuckets], starts[sortedBuckets + 1]);
        sortedBuckets++;
      }
      if (weight(count) < lightest) {
        break;
      }
      sum += weight(count);
      count++;
      if (sum > mass) {
        break;
      }
    }
    return new Prefix(count, sum);
  }

  private static int bucket(float distance) {
    return (int) Math.min(distance * RESOLUTION, BUCKETS - 1);
  }

  /// The beginning of a ranking.
  ///
  /// @param mass sum of its weights
  record Prefix(int count, double mass) {}
}
