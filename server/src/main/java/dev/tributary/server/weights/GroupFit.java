package dev.tributary.server.weights;

import static dev.tributary.server.tensor.LinearWeights.GROUP;

import dev.tributary.server.tensor.Floats;

/// Finds codes q, scale s and zero z, both bfloat16, for which w = (q - 8) s + z is near to the 32
/// weights of a group in the sum of squares. Not thread-safe: it holds the result of the last fit.
final class GroupFit {
  /// The first range from the lowest code to the highest, as parts of that from the least to the
  /// greatest weight: clipping the outermost a little often costs less than coarser steps for all.
  private static final double[] RANGES = {1, 0.95, 0.9};

  /// Bound on rounds of one descent; 3 are usual.
  private static final int MAX_ROUNDS = 20;

  /// Distance in steps at which weights count as on a lattice: bfloat16 weights of one have 2^-9 of
  /// up to eight steps.
  private static final double ON_LATTICE = 1.0 / 32;

  /// q - 8 of each weight.
  private final int[] codes = new int[GROUP];

  private float scale;
  private float zero;
  private double cost;

  private final float[] weights = new float[GROUP];
  private final int[] trial = new int[GROUP];

  /// @param row finite weights, of which those from `at` on are fitted
  void fit(float[] row, int at) {
    System.arraycopy(row, at, weights, 0, GROUP);
    float least = weights[0];
    float most = weights[0];
    for (float weight : weights) {
      least = Math.min(least, weight);
      most = Math.max(most, weight);
    }
    cost = Double.POSITIVE_INFINITY;
    double middle = ((double) least + most) / 2;
    for (double range : RANGES) {
      double step = ((double) most - least) * range / 15;
      descend(step, middle + step / 2);
    }
    if (cost > 0 && most > least) {
      fitLattices(least, most);
    }
  }

  /// Code `i`, 0 to 15, of the best fit.
  int code(int i) {
    return codes[i] + 8;
  }

  float scale() {
    return scale;
  }

  float zero() {
    return zero;
  }

  /// Sum of squared errors of the best fit.
  double cost() {
    return cost;
  }

  /// Nearest codes and least-squares s and z in turn, as long as that gets better.
  private void descend(double startScale, double startZero) {
    float s = Floats.roundToBf16((float) startScale);
    float z = Floats.roundToBf16((float) startZero);
    double before = Double.POSITIVE_INFINITY;
    for (int round = 0; round < MAX_ROUNDS; round++) {
      double now = assign(s, z);
      if (!(now < before)) {
        return;
      }
      before = now;
      double sum = 0;
      double moment = 0;
      int sumCodes = 0;
      int squares = 0;
      for (int i = 0; i < GROUP; i++) {
        sum += weights[i];
        moment += trial[i] * (double) weights[i];
        sumCodes += trial[i];
        squares += trial[i] * trial[i];
      }
      int determinant = GROUP * squares - sumCodes * sumCodes;
      if (determinant == 0) {
        return;
      }
      s = Floats.roundToBf16((float) ((GROUP * moment - sumCodes * sum) / determinant));
      z = Floats.roundToBf16((float) ((sum - (double) s * sumCodes) / GROUP));
    }
  }

  /// The nearest codes for s and z, kept if they are the best so far.
  ///
  /// @return their cost
  private double assign(float s, float z) {
    float inverse = s == 0 ? 0 : 1 / s;
    double total = 0;
    for (int i = 0; i < GROUP; i++) {
      int c = Math.clamp((int) Math.rint((weights[i] - z) * inverse), -8, 7);
      trial[i] = c;
      double error = weights[i] - (c * s + z);
      total += error * error;
    }
    if (total < cost) {
      cost = total;
      scale = s;
      zero = z;
      System.arraycopy(trial, 0, codes, 0, GROUP);
    }
    return total;
  }

  /// Weights that were 4-bit or coarser before may use a part of the 16 codes only: tries every
  /// number of steps from the least to the greatest weight that puts all weights on codes. With a
  /// negative scale, the greatest weight has the lowest code (Q4_0 has many of these).
  private void fitLattices(float least, float most) {
    for (int steps = 1; steps <= 15; steps++) {
      double step = ((double) most - least) / steps;
      if (!onLattice(least, step)) {
        continue;
      }
      float s = Floats.roundToBf16((float) step);
      for (int c = -8; c + steps <= 7 && cost > 0; c++) {
        assign(s, Floats.roundToBf16((float) (least - c * (double) s)));
        assign(-s, Floats.roundToBf16((float) (most + c * (double) s)));
      }
    }
  }

  private boolean onLattice(float least, double step) {
    for (float weight : weights) {
      double place = (weight - least) / step;
      if (Math.abs(place - Math.rint(place)) > ON_LATTICE) {
        return false;
      }
    }
    return true;
  }
}
