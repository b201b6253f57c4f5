package dev.tributary.server.engine;

import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.LogitKernels;
import dev.tributary.server.tensor.Matrix;
import java.util.Arrays;

/// Tokens of a row by logit, ties to the lowest id.
///
/// Sorting a whole vocabulary would cost more than all else in sampling, and what is wanted of it
/// is nearly always a short beginning. So as many are found and sorted as a walk reaches, and more
/// when it goes on: found by a bound that enough of the row's peaks (see [LogitKernels]) reach.
/// Scratch is as large as the longest walk needed. Not thread safe.
final class Ranking {
  /// Fewest tokens to look for beyond the first: half of them cost as much.
  private static final int FEWEST = 32;

  /// A bound is narrowed until fewer than 3/2 of the peaks wanted reach it, at most so many times.
  private static final int NARROWINGS = 6;

  private final float[] peaks;
  private int[] found = new int[0];

  /// Inverted logit, then id: in ascending order, the largest logit first.
  private long[] ranked = new long[0];

  /// Of the first [#weighed] ranks: likelihood as a multiple of the most likely token's.
  private float[] weights = new float[0];

  private Matrix row;
  private boolean searched;
  private float max;
  private float scale = 1;

  /// All tokens whose logits reach it, [#count] of them, are ranked.
  private float bound;

  private int count;
  private int weighed;

  Ranking(int vocabulary) {
    peaks = new float[LogitKernels.peaks(vocabulary)];
    row = Matrix.allocate(DType.F32, 0, vocabulary);
  }

  /// Begins with another row, float32 `[1, vocabulary]`, to stay as it is until the next.
  void read(Matrix logits) {
    row = logits;
    searched = false;
    count = 0;
    weighed = 0;
    bound = Float.POSITIVE_INFINITY;
  }

  Matrix row() {
    return row;
  }

  /// The largest logit.
  ///
  /// @throws ArithmeticException if a logit is NaN or the largest is not finite
  float max() {
    if (!searched) {
      max = LogitKernels.peaks(row, peaks);
      if (!Float.isFinite(max)) {
        throw new ArithmeticException("logits are not finite");
      }
      searched = true;
    }
    return max;
  }

  /// Sets by what factor distances between logits grow before they become likelihoods.
  void scale(float factor) {
    scale = factor;
    weighed = 0;
  }

  /// The token at `rank`, the first being 0.
  int id(int rank) {
    reach(rank + 1);
    return (int) ranked[rank];
  }

  /// Its likelihood as a multiple of the most likely token's.
  float weight(int rank) {
    reach(rank + 1);
    if (rank >= weighed) {
      for (int i = weighed; i < count; i++) {
        weights[i] = logit(ranked[i]);
      }
      LogitKernels.weigh(weights, weighed, count, max, scale);
      weighed = count;
    }
    return weights[rank];
  }

  /// Passes tokens from the first on: at most `limit` (of as many as there are), none lighter than
  /// `lightest`, and none after the first that takes the sum of weights above `mass`.
  Prefix walk(int limit, double mass, float lightest) {
    if (mass == Double.POSITIVE_INFINITY && lightest == 0) {
      reach(limit);
    }
    double sum = 0;
    int passed = 0;
    while (passed < limit && sum <= mass) {
      float weight = weight(passed);
      if (weight < lightest) {
        break;
      }
      sum += weight;
      passed++;
    }
    return new Prefix(passed, sum);
  }

  private void reach(int wanted) {
    if (count >= wanted) {
      return;
    }
    float largest = max(); // Before anything else is asked of the peaks.
    if (wanted == 1) {
      extend(largest);
    } else {
      extend(boundOf(Math.max(wanted, Math.max(FEWEST, 2 * count))));
    }
  }

  /// Ranks all tokens whose logits reach `next`, a lower bound than before.
  private void extend(float next) {
    int room = LogitKernels.tokens(LogitKernels.count(peaks, next));
    if (found.length < room) {
      found = new int[room];
    }
    int more = LogitKernels.collect(row, peaks, next, bound, found);
    if (ranked.length < count + more) {
      int length = Math.max(count + more, 2 * ranked.length);
      ranked = Arrays.copyOf(ranked, length);
      weights = Arrays.copyOf(weights, length);
    }
    for (int i = 0; i < more; i++) {
      ranked[count + i] = key(row.get(0, found[i]), found[i]);
    }
    Arrays.sort(ranked, count, count + more);
    count += more;
    bound = next;
  }

  /// A bound that at least `wanted` tokens reach, and that not many more do where peaks are few
  /// under their tokens.
  private float boundOf(int wanted) {
    if (wanted > peaks.length) {
      return Float.NEGATIVE_INFINITY;
    }
    float high = Math.min(bound, max);
    float low = high - 1;
    int reached = LogitKernels.count(peaks, low);
    // Ends: at -infinity all peaks are counted.
    for (float step = 2; reached < wanted; step *= 2) {
      high = low;
      low -= step;
      reached = LogitKernels.count(peaks, low);
    }
    for (int i = 0; i < NARROWINGS && reached > wanted + wanted / 2 && Float.isFinite(low); i++) {
      float middle = low + (high - low) / 2;
      int above = LogitKernels.count(peaks, middle);
      if (above < wanted) {
        high = middle;
      } else {
        low = middle;
        reached = above;
      }
    }
    return low;
  }

  /// Orders as the logit descends, then as the id ascends.
  private static long key(float logit, int id) {
    int bits = Float.floatToRawIntBits(logit + 0f); // -0 and 0 are equal.
    int ascending = bits ^ (bits >> 31 & Integer.MAX_VALUE);
    return (long) ~ascending << 32 | id;
  }

  private static float logit(long key) {
    int ascending = ~(int) (key >> 32);
    return Float.intBitsToFloat(ascending ^ (ascending >> 31 & Integer.MAX_VALUE));
  }

  /// The beginning of a ranking.
  ///
  /// @param mass sum of its weights
  record Prefix(int count, double mass) {}
}
