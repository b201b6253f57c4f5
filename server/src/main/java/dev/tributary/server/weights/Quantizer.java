package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.Floats;
import dev.tributary.server.tensor.LinearWeights;

/// Round-to-nearest to four bits in groups of 32, with a refinement of the zero.
///
/// A group starts with code 0 at its minimum and 15 at its maximum, scale and zero rounded to
/// bfloat16. The zero is then refined by half-quadratic splitting (HQQ, Badri and Shaji 2023):
/// errors are shrunk towards zero under an l_p norm, p = 0.7, and the zero moves to where the rest
/// is zero on average. The refinement is kept only where it lowers the squared error, so weights
/// that lie on a grid come back exactly.
final class Quantizer {
  private static final int ROUNDS = 20;
  private static final float P = 0.7f;
  private static final int GROUP = LinearWeights.GROUP;

  private final int[] codes = new int[GROUP];
  private float scale;
  private float zero;

  private Quantizer() {}

  static LinearWeights.Int4 quantize(StoredTensor tensor, int outputs, int inputs) {
    int groups = outputs * (inputs / GROUP);
    byte[] codes = new byte[outputs * inputs / 2];
    Bytes scales = Bytes.allocate(2L * groups);
    Bytes zeros = Bytes.allocate(2L * groups);
    Quantizer quantizer = new Quantizer();
    float[] row = new float[inputs];
    for (int n = 0, g = 0; n < outputs; n++) {
      tensor.row(n, row);
      for (int k = 0; k < inputs; k += GROUP, g++) {
        quantizer.quantize(row, k);
        FourBits.put(codes, g, quantizer.codes);
        scales.putBf16(2L * g, quantizer.scale);
        zeros.putBf16(2L * g, quantizer.zero);
      }
    }
    return new LinearWeights.Int4(outputs, inputs, Bytes.copyOf(codes), scales, zeros);
  }

  private void quantize(float[] row, int from) {
    float min = row[from];
    float max = row[from];
    for (int i = from; i < from + GROUP; i++) {
      min = Math.min(min, row[i]);
      max = Math.max(max, row[i]);
    }
    scale = Floats.roundToBf16((max - min) / 15);
    float start = Floats.roundToBf16(min + 8 * scale);
    if (scale == 0) {
      // All weights equal: any code stands for the zero.
      java.util.Arrays.fill(codes, 8);
      zero = Floats.roundToBf16(min);
      return;
    }
    float best = start;
    double least = error(row, from, start);
    float candidate = start;
    float beta = 10;
    for (int round = 0; round < ROUNDS && least > 0; round++, beta *= 1.01f) {
      candidate = Floats.roundToBf16(refined(row, from, candidate, beta));
      double error = error(row, from, candidate);
      if (error < least) {
        least = error;
        best = candidate;
      } else if (candidate == best) {
        break;
      }
    }
    zero = best;
    for (int i = 0; i < GROUP; i++) {
      codes[i] = code(row[from + i], best);
    }
  }

  private int code(float weight, float at) {
    return Math.clamp(Math.round((weight - at) / scale) + 8, 0, 15);
  }

  private double error(float[] row, int from, float at) {
    double sum = 0;
    for (int i = from; i < from + GROUP; i++) {
      double e = (code(row[i], at) - 8) * scale + at - row[i];
      sum += e * e;
    }
    return sum;
  }

  /// The zero that makes the unshrunk part of the errors zero on average.
  private float refined(float[] row, int from, float at, float beta) {
    double sum = 0;
    for (int i = from; i < from + GROUP; i++) {
      float on = (code(row[i], at) - 8) * scale;
      float e = row[i] - on - at;
      float size = Math.abs(e) / scale;
      // In units of the scale; 0 raised to a negative power would not shrink but explode.
      float shrink = size == 0 ? 0 : (float) StrictMath.pow(size, P - 1) / beta;
      float shrunk = Math.signum(e) * scale * Math.max(0, size - shrink);
      sum += row[i] - shrunk - on;
    }
    return (float) (sum / GROUP);
  }
}
