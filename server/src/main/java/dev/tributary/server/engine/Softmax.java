package dev.tributary.server.engine;

import dev.tributary.server.tensor.LogitKernels;
import dev.tributary.server.tensor.Matrix;

/// Softmax over a whole row, in an order of operations that never varies ([LogitKernels]); no call
/// of [Math]'s transcendentals, whose bits may differ between interpreter and compilers. Not thread
/// safe: scratch is reused.
final class Softmax {
  private final float[] sums;
  private final float[] weights = new float[LogitKernels.BLOCK];
  private double mass;

  Softmax(int vocabulary) {
    sums = new float[LogitKernels.blocks(vocabulary)];
  }

  /// `log(sum(exp(row)))`.
  ///
  /// @param row float32 `[1, vocabulary]`
  /// @param max its largest, finite
  double logSum(Matrix row, float max) {
    return max + StrictMath.log(LogitKernels.sum(row, max, 1, sums));
  }

  /// The sum of all weights `exp(scale * (logit - max))`.
  double mass(Matrix row, float max, float scale) {
    mass = LogitKernels.sum(row, max, scale, sums);
    return mass;
  }

  /// What [#mass] found last, for [#draw] too.
  double mass() {
    return mass;
  }

  /// The token at which the sum of weights, in order of id, exceeds a `share` of all, in `[0, 1)`.
  int draw(Matrix row, float max, float scale, double share) {
    double rest = share * mass(row, max, scale);
    int block = 0;
    double before = 0;
    while (before + sums[block] <= rest) {
      before += sums[block++];
    }
    int count = LogitKernels.weigh(row, block, max, scale, weights);
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += weights[i];
    }
    // The block's sum is rounded; what is left of the share is a share of it as it is added here.
    rest = (rest - before) / sums[block] * sum;
    int last = 0;
    sum = 0;
    for (int i = 0; i < count && sum <= rest; i++) {
      if (weights[i] > 0) {
        sum += weights[i];
        last = i;
      }
    }
    return block * LogitKernels.BLOCK + last;
  }
}
