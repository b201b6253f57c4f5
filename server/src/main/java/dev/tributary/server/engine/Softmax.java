package dev.tributary.server.engine;

/// The parts of softmax over a vocabulary, in an order of operations that never varies.
///
/// No call of [Math]'s transcendentals, whose bits may differ between interpreter and compilers;
/// the loops are plain enough that C2 turns them into vectors, which changes no bits.
final class Softmax {
  /// Distances beyond this are taken for it: `exp(-87)` is the last normal float, and nothing
  /// beside a weight of 1.
  private static final float FAR = 87;

  private Softmax() {}

  /// Index of the largest value, ties to the lowest.
  ///
  /// @throws ArithmeticException if a value is NaN or the largest is not finite
  static int argMax(float[] values) {
    int best = 0;
    float max = values[0];
    boolean bad = false;
    for (int i = 0; i < values.length; i++) {
      float value = values[i];
      bad |= Float.isNaN(value);
      if (value > max) {
        max = value;
        best = i;
      }
    }
    if (bad || !Float.isFinite(max)) {
      throw new ArithmeticException("logits are not finite");
    }
    return best;
  }

  /// `distances[i] = (max - values[i]) / temperature`, `weights[i] = exp(-distances[i])`.
  static void weigh(
      float[] values, float max, float temperature, float[] distances, float[] weights) {
    for (int i = 0; i < values.length; i++) {
      float distance = (max - values[i]) / temperature;
      distances[i] = distance;
      weights[i] = expOfMinus(distance);
    }
  }

  /// `log(sum(exp(values)))`. `scratch` is as long as `values`.
  static double logSumExp(float[] values, float max, float[] scratch) {
    for (int i = 0; i < values.length; i++) {
      scratch[i] = expOfMinus(max - values[i]);
    }
    return max + StrictMath.log(sum(scratch));
  }

  /// The sum in four interleaved parts.
  static double sum(float[] values) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 3 < values.length; i += 4) {
      s0 += values[i];
      s1 += values[i + 1];
      s2 += values[i + 2];
      s3 += values[i + 3];
    }
    for (; i < values.length; i++) {
      s0 += values[i];
    }
    return (s0 + s1) + (s2 + s3);
  }

  /// `exp(-distance)` for a distance of 0 or more; relative error below 2⁻²³.
  ///
  /// The exponential of a 256th, squared eight times: more arithmetic than splitting off a power of
  /// two, but nothing in it keeps the loops above from becoming vectors, which makes it six times
  /// as fast.
  static float expOfMinus(float distance) {
    double r = Math.min(distance, FAR) * (-1.0 / 256);
    // Taylor's series; |r| < 0.34, so what is left out is below 2⁻³², and 256 times that below
    // 2⁻²⁴.
    double p = 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1;
    p = p * r + 1;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    return (float) p;
  }
}
