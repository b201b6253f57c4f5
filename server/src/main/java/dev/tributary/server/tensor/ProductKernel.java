package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// `y = x Wᵀ` in float32 for bfloat16 weights: the output head of a file that keeps it so.
///
/// A row of `W` is widened to float32 once and multiplied with every row of `x`, so a product's
/// bits do not depend on how many rows there are.
final class ProductKernel {
  private ProductKernel() {}

  /// Outputs `[from, to)` of every row.
  ///
  /// @param x `[rows][inputs]`
  /// @param wide `[inputs]`, overwritten
  static void run(
      LinearWeights.Bf16 weights, float[][] x, int rows, int from, int to, Sink y, Scratch s) {
    float[] wide = s.floats(weights.inputs());
    for (int n = from; n < to; n++) {
      widen(weights, n, wide);
      for (int i = 0; i < rows; i++) {
        y.put(i, n, dot(wide, x[i], weights.inputs()));
      }
    }
  }

  /// Where products go.
  interface Sink {
    void put(int row, int output, float value);
  }

  /// Four running sums of vectors, added pairwise, then across lanes, then the tail in order.
  static float dot(float[] a, float[] b, int length) {
    FloatVector s0 = FloatVector.zero(Lanes.F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int w = Lanes.LENGTH;
    int k = 0;
    for (; k + 4 * w <= length; k += 4 * w) {
      s0 = FloatVector.fromArray(Lanes.F, a, k).fma(FloatVector.fromArray(Lanes.F, b, k), s0);
      s1 =
          FloatVector.fromArray(Lanes.F, a, k + w)
              .fma(FloatVector.fromArray(Lanes.F, b, k + w), s1);
      s2 =
          FloatVector.fromArray(Lanes.F, a, k + 2 * w)
              .fma(FloatVector.fromArray(Lanes.F, b, k + 2 * w), s2);
      s3 =
          FloatVector.fromArray(Lanes.F, a, k + 3 * w)
              .fma(FloatVector.fromArray(Lanes.F, b, k + 3 * w), s3);
    }
    for (; k + w <= length; k += w) {
      s0 = FloatVector.fromArray(Lanes.F, a, k).fma(FloatVector.fromArray(Lanes.F, b, k), s0);
    }
    float sum = Lanes.sum(s0.add(s1).add(s2.add(s3)));
    for (; k < length; k++) {
      sum = Math.fma(a[k], b[k], sum);
    }
    return sum;
  }

  private static void widen(LinearWeights.Bf16 weights, int n, float[] wide) {
    MemorySegment values = weights.values().segment();
    long row = 2L * n * weights.inputs();
    int k = 0;
    for (; k + Lanes.LENGTH <= weights.inputs(); k += Lanes.LENGTH) {
      Lanes.bf16(values, row + 2L * k).intoArray(wide, k);
    }
    for (; k < weights.inputs(); k++) {
      wide[k] = weights.values().getBf16(row + 2L * k);
    }
  }
}
