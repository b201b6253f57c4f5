package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Norms and element-wise operations.
final class ElementKernels {
  private ElementKernels() {}

  /// As many columns of `row` as there are weights, from `column` on.
  static void rmsNorm(Matrix x, int row, int column, float[] weight, float epsilon, Matrix y) {
    MemorySegment in = x.data().segment();
    MemorySegment out = y.data().segment();
    int n = weight.length;
    int vectors = n / Lanes.LENGTH * Lanes.LENGTH;
    long from = x.offset(row, column);
    long to = y.offset(row, column);
    FloatVector squares = FloatVector.zero(Lanes.F);
    for (int j = 0; j < vectors; j += Lanes.LENGTH) {
      FloatVector v = Lanes.f32(in, from + 4L * j);
      squares = v.fma(v, squares);
    }
    float sum = Lanes.sum(squares);
    for (int j = vectors; j < n; j++) {
      float v = in.get(Bytes.FLOAT, from + 4L * j);
      sum = Math.fma(v, v, sum);
    }
    float scale = 1 / (float) Math.sqrt(sum / n + epsilon);
    for (int j = 0; j < vectors; j += Lanes.LENGTH) {
      FloatVector v =
          Lanes.f32(in, from + 4L * j).mul(scale).mul(FloatVector.fromArray(Lanes.F, weight, j));
      Lanes.toF32(v, out, to + 4L * j);
    }
    for (int j = vectors; j < n; j++) {
      out.set(Bytes.FLOAT, to + 4L * j, in.get(Bytes.FLOAT, from + 4L * j) * scale * weight[j]);
    }
  }

  static void swiglu(Matrix gateUp, Matrix y, int row) {
    MemorySegment in = gateUp.data().segment();
    MemorySegment out = y.data().segment();
    int n = y.cols();
    long gates = gateUp.offset(row, 0);
    long ups = gateUp.offset(row, n);
    long to = y.offset(row, 0);
    int j = 0;
    for (; j + Lanes.LENGTH <= n; j += Lanes.LENGTH) {
      FloatVector gate = Lanes.f32(in, gates + 4L * j);
      FloatVector up = Lanes.f32(in, ups + 4L * j);
      Lanes.toF32(gate.div(Lanes.exp(gate.neg()).add(1f)).mul(up), out, to + 4L * j);
    }
    for (; j < n; j++) {
      float gate = gateUp.get(row, j);
      y.set(row, j, gate / (Lanes.exp(-gate) + 1f) * gateUp.get(row, n + j));
    }
  }

  /// `x += delta`.
  static void add(Matrix x, Matrix delta, int row) {
    MemorySegment sum = x.data().segment();
    MemorySegment added = delta.data().segment();
    long to = x.offset(row, 0);
    long from = delta.offset(row, 0);
    int j = 0;
    for (; j + Lanes.LENGTH <= x.cols(); j += Lanes.LENGTH) {
      Lanes.toF32(
          Lanes.f32(sum, to + 4L * j).add(Lanes.f32(added, from + 4L * j)), sum, to + 4L * j);
    }
    for (; j < x.cols(); j++) {
      x.set(row, j, x.get(row, j) + delta.get(row, j));
    }
  }

  /// `y += bias`.
  static void addBias(Matrix y, float[] bias, int row) {
    MemorySegment values = y.data().segment();
    long to = y.offset(row, 0);
    int j = 0;
    for (; j + Lanes.LENGTH <= y.cols(); j += Lanes.LENGTH) {
      FloatVector added = FloatVector.fromArray(Lanes.F, bias, j);
      Lanes.toF32(Lanes.f32(values, to + 4L * j).add(added), values, to + 4L * j);
    }
    for (; j < y.cols(); j++) {
      y.set(row, j, y.get(row, j) + bias[j]);
    }
  }

  /// Rounds `row` of a float32 matrix to bfloat16.
  static void narrow(Matrix from, int row, Matrix to) {
    MemorySegment in = from.data().segment();
    MemorySegment out = to.data().segment();
    int k = 0;
    for (; k + Lanes.LENGTH <= from.cols(); k += Lanes.LENGTH) {
      Lanes.toBf16(Lanes.f32(in, from.offset(row, k)), out, to.offset(row, k));
    }
    for (; k < from.cols(); k++) {
      to.set(row, k, from.get(row, k));
    }
  }

  /// What [#narrow] left of `row`, rounded to bfloat16 in its turn.
  static void rest(Matrix from, int row, Matrix narrow, Matrix to) {
    MemorySegment in = from.data().segment();
    MemorySegment taken = narrow.data().segment();
    MemorySegment out = to.data().segment();
    int k = 0;
    for (; k + Lanes.LENGTH <= from.cols(); k += Lanes.LENGTH) {
      FloatVector left =
          Lanes.f32(in, from.offset(row, k)).sub(Lanes.bf16(taken, narrow.offset(row, k)));
      Lanes.toBf16(left, out, to.offset(row, k));
    }
    for (; k < from.cols(); k++) {
      to.set(row, k, from.get(row, k) - narrow.get(row, k));
    }
  }

  /// Columns `[from, to)` of `row`: `y *= scale`.
  static void scale(Matrix y, int row, float[] scale, int from, int to) {
    MemorySegment values = y.data().segment();
    int j = from;
    for (; j + Lanes.LENGTH <= to; j += Lanes.LENGTH) {
      long at = y.offset(row, j);
      Lanes.toF32(Lanes.f32(values, at).mul(FloatVector.fromArray(Lanes.F, scale, j)), values, at);
    }
    for (; j < to; j++) {
      y.set(row, j, y.get(row, j) * scale[j]);
    }
  }

  /// As many rows and columns of a bfloat16 matrix as `wide` has, from `[row, column]` on.
  static void widen(Matrix matrix, int row, int column, Matrix wide) {
    MemorySegment values = matrix.data().segment();
    MemorySegment out = wide.data().segment();
    for (int i = 0; i < wide.rows(); i++) {
      long from = matrix.offset(row + i, column);
      long to = wide.offset(i, 0);
      int k = 0;
      for (; k + Lanes.LENGTH <= wide.cols(); k += Lanes.LENGTH) {
        Lanes.toF32(Lanes.bf16(values, from + 2L * k), out, to + 4L * k);
      }
      for (; k < wide.cols(); k++) {
        wide.set(i, k, matrix.get(row + i, column + k));
      }
    }
  }

  /// `row` of a bfloat16 or float32 matrix as float32.
  static void widen(Matrix matrix, int row, float[] wide) {
    MemorySegment values = matrix.data().segment();
    long at = matrix.offset(row, 0);
    if (matrix.type() == DType.F32) {
      MemorySegment.copy(values, Bytes.FLOAT, at, wide, 0, matrix.cols());
      return;
    }
    int k = 0;
    for (; k + Lanes.LENGTH <= matrix.cols(); k += Lanes.LENGTH) {
      Lanes.bf16(values, at + 2L * k).intoArray(wide, k);
    }
    for (; k < matrix.cols(); k++) {
      wide[k] = matrix.get(row, k);
    }
  }
}
