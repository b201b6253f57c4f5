package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The optimiser's sweeps over regions of float32.
final class OptimiserKernels {
  /// Logical lanes of a sum, whatever the hardware's.
  private static final int WIDTH = 16;

  private OptimiserKernels() {}

  /// One step of AdamW for floats `[from, to)`.
  static void adam(
      MemorySegment values,
      MemorySegment gradients,
      MemorySegment first,
      MemorySegment second,
      long from,
      long to,
      AdamStep step) {
    FloatVector keep1 = FloatVector.broadcast(Lanes.F, step.beta1());
    FloatVector keep2 = FloatVector.broadcast(Lanes.F, step.beta2());
    float rate = step.learningRate() / step.correction1();
    float decay = 1 - step.learningRate() * step.weightDecay();
    float root = 1 / (float) Math.sqrt(step.correction2());
    float take1 = 1 - step.beta1();
    float take2 = 1 - step.beta2();
    long i = from;
    for (; i + Lanes.LENGTH <= to; i += Lanes.LENGTH) {
      FloatVector g = Lanes.f32(gradients, 4 * i).mul(step.gradientScale());
      FloatVector m = Lanes.f32(first, 4 * i).fma(keep1, g.mul(take1));
      FloatVector v = Lanes.f32(second, 4 * i).fma(keep2, g.mul(g).mul(take2));
      Lanes.toF32(m, first, 4 * i);
      Lanes.toF32(v, second, 4 * i);
      FloatVector change = m.mul(rate).div(v.sqrt().mul(root).add(step.epsilon()));
      Lanes.toF32(Lanes.f32(values, 4 * i).mul(decay).sub(change), values, 4 * i);
    }
    for (; i < to; i++) {
      float g = gradients.get(Bytes.FLOAT, 4 * i) * step.gradientScale();
      float m = Math.fma(first.get(Bytes.FLOAT, 4 * i), step.beta1(), g * take1);
      float v = Math.fma(second.get(Bytes.FLOAT, 4 * i), step.beta2(), g * g * take2);
      first.set(Bytes.FLOAT, 4 * i, m);
      second.set(Bytes.FLOAT, 4 * i, v);
      float change = m * rate / ((float) Math.sqrt(v) * root + step.epsilon());
      values.set(Bytes.FLOAT, 4 * i, values.get(Bytes.FLOAT, 4 * i) * decay - change);
    }
  }

  /// The sum of the squares of floats `[from, to)`: float `i` belongs to sum `(i - from) mod 16`,
  /// taken in ascending order; the 16 are added as a tree of halves.
  static float sumOfSquares(MemorySegment values, long from, long to) {
    float[] lanes = new float[WIDTH];
    long whole = from + (to - from) / WIDTH * WIDTH;
    for (int lane = 0; lane < WIDTH; lane += Lanes.LENGTH) {
      FloatVector sum = FloatVector.zero(Lanes.F);
      for (long i = from; i < whole; i += WIDTH) {
        FloatVector v = Lanes.f32(values, 4 * (i + lane));
        sum = v.fma(v, sum);
      }
      sum.intoArray(lanes, lane);
    }
    for (long i = whole; i < to; i++) {
      float v = values.get(Bytes.FLOAT, 4 * i);
      lanes[(int) (i - whole)] = Math.fma(v, v, lanes[(int) (i - whole)]);
    }
    for (int half = WIDTH / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        lanes[i] += lanes[i + half];
      }
    }
    return lanes[0];
  }
}
