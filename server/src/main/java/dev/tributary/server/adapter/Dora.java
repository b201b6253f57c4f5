package dev.tributary.server.adapter;

import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.tensor.Matrix;

/// The output scales of DoRA (Liu et al. 2024, section 4.1), computed once at load: at scale 1 the
/// norms of the merged weights are constants.
final class Dora {
  /// Partial sums of a norm, so that the loop has no chain of additions to wait for.
  private static final int LANES = 8;

  private Dora() {}

  /// `m / ‖W + scaling B A‖` per output, the norm over a row, in float32.
  ///
  /// @param magnitudes `m`, `[outputs]`
  /// @throws AdapterException if a merged row is zero, so that there is no direction to scale
  static float[] outputScales(
      BaseWeights base, Site site, Pair pair, float[] magnitudes, String tensor, Pace pace) {
    float[][] a = new float[pair.a().rows()][];
    for (int k = 0; k < a.length; k++) {
      a[k] = row(pair.a(), k);
    }
    float[] scales = new float[magnitudes.length];
    pace.forEach(
        magnitudes.length,
        output -> {
          float[] merged = new float[pair.a().cols()];
          base.row(site, output, merged);
          for (int k = 0; k < a.length; k++) {
            addScaled(merged, pair.scaling() * pair.bt().get(k, output), a[k]);
          }
          scales[output] = magnitudes[output] / norm(merged);
        });
    for (int output = 0; output < scales.length; output++) {
      if (!Float.isFinite(scales[output])) {
        throw new AdapterException(
            new AdapterRefusal.Malformed(
                tensor, "[" + output + "] scales a row of the merged weights that is zero"));
      }
    }
    return scales;
  }

  private static float[] row(Matrix matrix, int row) {
    float[] values = new float[matrix.cols()];
    for (int col = 0; col < values.length; col++) {
      values[col] = matrix.get(row, col);
    }
    return values;
  }

  private static void addScaled(float[] sum, float factor, float[] values) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += factor * values[i];
    }
  }

  private static float norm(float[] values) {
    float[] squares = new float[LANES];
    int whole = values.length - values.length % LANES;
    for (int i = 0; i < whole; i += LANES) {
      for (int lane = 0; lane < LANES; lane++) {
        squares[lane] += values[i + lane] * values[i + lane];
      }
    }
    double total = 0;
    for (float square : squares) {
      total += square;
    }
    for (int i = whole; i < values.length; i++) {
      total += (double) values[i] * values[i];
    }
    return (float) Math.sqrt(total);
  }
}
