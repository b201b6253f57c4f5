package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Norms, rotation and element-wise operations backward, a row at a time.
final class BackwardKernels {
  private BackwardKernels() {}

  /// `dx += r (w dy - x r² mean(w dy x))` with `r = 1 / sqrt(mean(x²) + epsilon)`.
  static void rmsNorm(Matrix x, int row, float[] weight, float epsilon, Matrix dy, Matrix dx) {
    MemorySegment in = x.data().segment();
    MemorySegment slope = dy.data().segment();
    MemorySegment out = dx.data().segment();
    int n = weight.length;
    int whole = n / Lanes.LENGTH * Lanes.LENGTH;
    long at = x.offset(row, 0);
    long from = dy.offset(row, 0);
    long to = dx.offset(row, 0);
    FloatVector squares = FloatVector.zero(Lanes.F);
    FloatVector dots = squares;
    for (int j = 0; j < whole; j += Lanes.LENGTH) {
      FloatVector v = Lanes.f32(in, at + 4L * j);
      FloatVector d =
          Lanes.f32(slope, from + 4L * j).mul(FloatVector.fromArray(Lanes.F, weight, j));
      squares = v.fma(v, squares);
      dots = d.fma(v, dots);
    }
    float square = Lanes.sum(squares);
    float dot = Lanes.sum(dots);
    for (int j = whole; j < n; j++) {
      float v = in.get(Bytes.FLOAT, at + 4L * j);
      square = Math.fma(v, v, square);
      dot = Math.fma(slope.get(Bytes.FLOAT, from + 4L * j) * weight[j], v, dot);
    }
    float mean = square / n + epsilon;
    float r = 1 / (float) Math.sqrt(mean);
    float common = -r * dot / (n * mean);
    for (int j = 0; j < whole; j += Lanes.LENGTH) {
      FloatVector d =
          Lanes.f32(slope, from + 4L * j).mul(FloatVector.fromArray(Lanes.F, weight, j));
      FloatVector v = Lanes.f32(in, at + 4L * j).mul(common);
      FloatVector sum = d.fma(FloatVector.broadcast(Lanes.F, r), v);
      Lanes.toF32(Lanes.f32(out, to + 4L * j).add(sum), out, to + 4L * j);
    }
    for (int j = whole; j < n; j++) {
      float d = slope.get(Bytes.FLOAT, from + 4L * j) * weight[j];
      float sum = Math.fma(d, r, in.get(Bytes.FLOAT, at + 4L * j) * common);
      out.set(Bytes.FLOAT, to + 4L * j, out.get(Bytes.FLOAT, to + 4L * j) + sum);
    }
  }

  /// With `s = 1 / (1 + exp(-gate))`: `dUp = dy gate s`, `dGate = dy up s (1 + gate (1 - s))`.
  static void swiglu(Matrix gateUp, Matrix dy, Matrix dGateUp, int row) {
    MemorySegment in = gateUp.data().segment();
    MemorySegment slope = dy.data().segment();
    MemorySegment out = dGateUp.data().segment();
    int n = dy.cols();
    long gates = gateUp.offset(row, 0);
    long ups = gateUp.offset(row, n);
    long from = dy.offset(row, 0);
    long to = dGateUp.offset(row, 0);
    long toUp = dGateUp.offset(row, n);
    FloatVector one = FloatVector.broadcast(Lanes.F, 1f);
    int j = 0;
    for (; j + Lanes.LENGTH <= n; j += Lanes.LENGTH) {
      FloatVector gate = Lanes.f32(in, gates + 4L * j);
      FloatVector up = Lanes.f32(in, ups + 4L * j);
      FloatVector d = Lanes.f32(slope, from + 4L * j);
      FloatVector e = Lanes.exp(gate.neg());
      FloatVector s = one.div(e.add(1f));
      // 1 - s, without the cancellation.
      FloatVector rest = e.mul(s);
      FloatVector ds = d.mul(s);
      Lanes.toF32(ds.mul(up).mul(gate.fma(rest, one)), out, to + 4L * j);
      Lanes.toF32(ds.mul(gate), out, toUp + 4L * j);
    }
    for (; j < n; j++) {
      float gate = gateUp.get(row, j);
      float up = gateUp.get(row, n + j);
      float e = Lanes.exp(-gate);
      float s = 1f / (e + 1f);
      float ds = dy.get(row, j) * s;
      dGateUp.set(row, j, ds * up * Math.fma(gate, e * s, 1f));
      dGateUp.set(row, n + j, ds * gate);
    }
  }

  /// The loss of a row of logits, and their gradients in their place.
  ///
  /// What the other tokens weigh is summed apart from the target: where the target has nearly all,
  /// `1 - p` would be lost in rounding.
  static double crossEntropy(Matrix row, int target, float weight, boolean gradient) {
    float max = largest(row);
    float logit = row.get(0, target);
    row.set(0, target, Float.NEGATIVE_INFINITY);
    double others = LogitKernels.sum(row, max, 1, new float[LogitKernels.blocks(row.cols())]);
    row.set(0, target, logit);
    double own = LogitKernels.weight(logit, max, 1);
    double all = others + own;
    if (gradient) {
      probabilities(row, max, (float) (weight / all));
      row.set(0, target, (float) (-weight * (others / all)));
    }
    return own > others
        ? StrictMath.log1p(others / own)
        : StrictMath.log(all) - ((double) logit - max);
  }

  private static float largest(Matrix row) {
    MemorySegment values = row.data().segment();
    long at = row.offset(0, 0);
    int whole = row.cols() / Lanes.LENGTH * Lanes.LENGTH;
    FloatVector most = FloatVector.broadcast(Lanes.F, Float.NEGATIVE_INFINITY);
    for (int j = 0; j < whole; j += Lanes.LENGTH) {
      most = most.max(Lanes.f32(values, at + 4L * j));
    }
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < Lanes.LENGTH; i++) {
      largest = Math.max(largest, most.lane(i));
    }
    for (int j = whole; j < row.cols(); j++) {
      largest = Math.max(largest, values.get(Bytes.FLOAT, at + 4L * j));
    }
    return largest;
  }

  /// `exp(logit - max) * factor` in place; what is below exp(-87) counts as that.
  private static void probabilities(Matrix row, float max, float factor) {
    MemorySegment values = row.data().segment();
    long at = row.offset(0, 0);
    int j = 0;
    for (; j + Lanes.LENGTH <= row.cols(); j += Lanes.LENGTH) {
      FloatVector value = Lanes.f32(values, at + 4L * j).sub(max);
      Lanes.toF32(Lanes.exp(value).mul(factor), values, at + 4L * j);
    }
    for (; j < row.cols(); j++) {
      float value = values.get(Bytes.FLOAT, at + 4L * j) - max;
      values.set(Bytes.FLOAT, at + 4L * j, Lanes.exp(value) * factor);
    }
  }
}
