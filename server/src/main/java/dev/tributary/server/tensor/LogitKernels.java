package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// Passes over a row of logits, float32 `[1, vocabulary]`: the parts of sampling that look at every
/// token. What to choose is not decided here.
///
/// Sums have one order whatever the hardware's vectors: a row is cut into blocks of [#BLOCK]
/// tokens; in a block token i belongs to sum i mod 16, taken in ascending order; the 16 are added
/// as a tree of halves; blocks are added in float64, in order. Searching starts from peaks, of
/// which a row has an eighth as many as tokens, so what searches for the largest few touches little
/// of the row.
public final class LogitKernels {
  /// Tokens whose weights are summed in float32.
  public static final int BLOCK = 1024;

  /// Logical lanes: a multiple of every hardware's.
  private static final int WIDTH = 16;

  /// Tokens under one peak.
  private static final int DEPTH = 8;

  private static final int GROUP = WIDTH * DEPTH;

  /// The logarithm of the smallest normal float32: what is lighter weighs nothing.
  private static final float LIGHTEST = -87;

  private LogitKernels() {}

  /// Peaks of a row of `vocabulary` tokens.
  public static int peaks(int vocabulary) {
    return Math.ceilDiv(vocabulary, GROUP) * WIDTH;
  }

  /// Most tokens that [#collect] finds under `peaks` peaks.
  public static int tokens(int peaks) {
    return peaks * DEPTH;
  }

  /// Blocks of a row of `vocabulary` tokens.
  public static int blocks(int vocabulary) {
    return Math.ceilDiv(vocabulary, BLOCK);
  }

  /// Fills `peaks`: peak `16 g + l` is the largest logit of tokens `128 g + l + 16 j`, j in 0 to 7;
  /// NaN if one of them is, -infinity if there are none. Returns the largest of all, or NaN.
  public static float peaks(Matrix row, float[] peaks) {
    int n = row.cols();
    float max = Float.NEGATIVE_INFINITY;
    FloatVector largest = FloatVector.broadcast(Lanes.F, max);
    int group = 0;
    for (; group + GROUP <= n; group += GROUP) {
      for (int lane = 0; lane < WIDTH; lane += Lanes.LENGTH) {
        long at = row.offset(0, group + lane);
        FloatVector peak = load(row, at);
        for (int j = 1; j < DEPTH; j++) {
          peak = peak.max(load(row, at + j * WIDTH * Float.BYTES));
        }
        peak.intoArray(peaks, group / DEPTH + lane);
        largest = largest.max(peak);
      }
    }
    for (int lane = 0; group < n && lane < WIDTH; lane++) {
      float peak = Float.NEGATIVE_INFINITY;
      for (int i = group + lane; i < n; i += WIDTH) {
        peak = Math.max(peak, row.get(0, i));
      }
      peaks[group / DEPTH + lane] = peak;
      max = Math.max(max, peak);
    }
    for (int lane = 0; lane < Lanes.LENGTH; lane++) {
      max = Math.max(max, largest.lane(lane));
    }
    return max;
  }

  /// How many of `peaks`, which has a whole number of groups, are at least `bound`.
  public static int count(float[] peaks, float bound) {
    int count = 0;
    for (int at = 0; at < peaks.length; at += Lanes.LENGTH) {
      count += atLeast(peaks, at, bound).trueCount();
    }
    return count;
  }

  /// Finds the tokens whose logits are at least `bound` and below `below`, in a fixed order that is
  /// not theirs. Returns how many.
  ///
  /// @param ids takes them; room for [#tokens] of [#count] of the same bound
  public static int collect(Matrix row, float[] peaks, float bound, float below, int[] ids) {
    int found = 0;
    for (int at = 0; at < peaks.length; at += Lanes.LENGTH) {
      long hits = atLeast(peaks, at, bound).toLong();
      for (; hits != 0; hits &= hits - 1) {
        int peak = at + Long.numberOfTrailingZeros(hits);
        int first = peak / WIDTH * GROUP + peak % WIDTH;
        int end = Math.min(first + GROUP, row.cols());
        for (int i = first; i < end; i += WIDTH) {
          float logit = row.get(0, i);
          if (logit >= bound && logit < below) {
            ids[found++] = i;
          }
        }
      }
    }
    return found;
  }

  /// `exp(scale * (logit - max))`, 0 below exp(-87), for a logit of at most `max`.
  public static float weight(float logit, float max, float scale) {
    float x = (logit - max) * scale;
    return x < LIGHTEST ? 0 : Lanes.exp(x);
  }

  /// The [#weight] of each token of a block. Returns how many tokens it has.
  public static int weigh(Matrix row, int block, float max, float scale, float[] weights) {
    int from = block * BLOCK;
    int count = Math.min(BLOCK, row.cols() - from);
    MemorySegment.copy(row.data().segment(), Bytes.FLOAT, row.offset(0, from), weights, 0, count);
    weigh(weights, 0, count, max, scale);
    return count;
  }

  /// Replaces logits `[from, to)` by their [#weight].
  public static void weigh(float[] logits, int from, int to, float max, float scale) {
    int i = from;
    for (; i + Lanes.LENGTH <= to; i += Lanes.LENGTH) {
      weight(FloatVector.fromArray(Lanes.F, logits, i), max, scale).intoArray(logits, i);
    }
    for (; i < to; i++) {
      logits[i] = weight(logits[i], max, scale);
    }
  }

  /// Fills `sums` with the sum of weights of each block. Returns the sum of all.
  public static double sum(Matrix row, float max, float scale, float[] sums) {
    float[] lanes = new float[WIDTH];
    double all = 0;
    for (int block = 0; block < blocks(row.cols()); block++) {
      int from = block * BLOCK;
      int to = Math.min(from + BLOCK, row.cols());
      int whole = from + (to - from) / WIDTH * WIDTH;
      for (int lane = 0; lane < WIDTH; lane += Lanes.LENGTH) {
        FloatVector sum = FloatVector.zero(Lanes.F);
        for (int i = from; i < whole; i += WIDTH) {
          sum = sum.add(weight(load(row, row.offset(0, i + lane)), max, scale));
        }
        sum.intoArray(lanes, lane);
      }
      for (int i = whole; i < to; i++) {
        lanes[i - whole] += weight(row.get(0, i), max, scale);
      }
      for (int half = WIDTH / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) {
          lanes[i] += lanes[i + half];
        }
      }
      sums[block] = lanes[0];
      all += lanes[0];
    }
    return all;
  }

  private static FloatVector weight(FloatVector logits, float max, float scale) {
    FloatVector x = logits.sub(max).mul(scale);
    return Lanes.expInRange(x).blend(0f, x.compare(VectorOperators.LT, LIGHTEST));
  }

  private static FloatVector load(Matrix row, long offset) {
    return Lanes.f32(row.data().segment(), offset);
  }

  private static VectorMask<Float> atLeast(float[] peaks, int at, float bound) {
    return FloatVector.fromArray(Lanes.F, peaks, at).compare(VectorOperators.GE, bound);
  }
}
