package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// `y = x Wᵀ` in float32 for int8 and bfloat16 weights: the output head, and layers that a mixed
/// file keeps at eight bits.
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
      LinearWeights weights, float[][] x, int rows, int from, int to, Sink y, Scratch s) {
    float[] wide = s.floats(weights.inputs());
    float[] lanes = s.lanes();
    for (int n = from; n < to; n++) {
      switch (weights) {
        case LinearWeights.Int8 int8 -> widen(int8, n, wide);
        case LinearWeights.Bf16 bf16 -> widen(bf16, n, wide);
        case LinearWeights.Int4 int4 -> throw new IllegalArgumentException("int4 is packed");
      }
      for (int i = 0; i < rows; i++) {
        y.put(i, n, dot(wide, x[i], weights.inputs(), lanes));
      }
    }
  }

  /// Where products go.
  interface Sink {
    void put(int row, int output, float value);
  }

  /// Four running sums of vectors, added pairwise, then across lanes, then the tail in order.
  static float dot(float[] a, float[] b, int length, float[] lanes) {
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
    float sum = Lanes.sum(s0.add(s1).add(s2.add(s3)), lanes);
    for (; k < length; k++) {
      sum = Math.fma(a[k], b[k], sum);
    }
    return sum;
  }

  private static void widen(LinearWeights.Int8 weights, int n, float[] wide) {
    MemorySegment codes = weights.codes().segment();
    long row = (long) n * weights.inputs();
    int group = LinearWeights.GROUP;
    // The last vector may read past the row where lanes are few; the last row ends in scalars.
    for (int g = 0; g < weights.inputs(); g += group) {
      float scale = weights.scales().getFloat((row + g) / group * 4);
      if (Lanes.LENGTH >= 8) {
        for (int k = g; k < g + group; k += Lanes.LENGTH) {
          Lanes.int8(codes, row + k).mul(scale).intoArray(wide, k);
        }
      } else {
        for (int k = g; k < g + group; k++) {
          wide[k] = weights.codes().get(row + k) * scale;
        }
      }
    }
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
