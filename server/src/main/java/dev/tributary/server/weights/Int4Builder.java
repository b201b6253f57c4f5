package dev.tributary.server.weights;

import static dev.tributary.server.tensor.LinearWeights.GROUP;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.Floats;
import dev.tributary.server.tensor.LinearWeights;

/// A [LinearWeights.Int4] in the making; threads may fill different rows at once.
final class Int4Builder {
  private final int outputs;
  private final int inputs;
  private final Bytes codes;
  private final Bytes scales;
  private final Bytes zeros;

  Int4Builder(int outputs, int inputs) {
    this.outputs = outputs;
    this.inputs = inputs;
    codes = Bytes.allocate((long) outputs * inputs / 2);
    scales = Bytes.allocate((long) outputs * inputs / GROUP * 2);
    zeros = Bytes.allocate((long) outputs * inputs / GROUP * 2);
  }

  /// Stores 32 codes of a group, eight in each int, the first lowest.
  void codes(int row, int group, int a, int b, int c, int d) {
    long at = index(row, group) * (GROUP / 2);
    codes.putInt(at, a);
    codes.putInt(at + 4, b);
    codes.putInt(at + 8, c);
    codes.putInt(at + 12, d);
  }

  /// Stores the bfloat16 scale and zero that are nearest to `scale` and `zero` in the sum of
  /// squares over the weights of the group, whose codes are stored.
  ///
  /// With c = q - 8, errors e of the scale and f of the zero cost Σ (c e + f)². For either
  /// neighbour of the scale, f = -e Σc / 32 costs least.
  ///
  /// @return whether both are finite
  boolean round(int row, int group, double scale, double zero) {
    int sum = 0;
    int squares = 0;
    long at = index(row, group) * (GROUP / 2);
    for (int i = 0; i < GROUP / 2; i++) {
      int pair = codes.get(at + i);
      int low = (pair & 15) - 8;
      int high = ((pair >> 4) & 15) - 8;
      sum += low + high;
      squares += low * low + high * high;
    }
    float nearest = Floats.roundToBf16((float) scale);
    float best = nearest;
    float bestZero = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int step = -1; step <= 1; step++) {
      float s = Floats.fromBf16((short) (Floats.toBf16(nearest) + step));
      double e = s - scale;
      float z = Floats.roundToBf16((float) (zero - e * sum / GROUP));
      double f = z - zero;
      double cost = e * e * squares + 2 * e * f * sum + f * f * GROUP;
      if (cost < least) {
        least = cost;
        best = s;
        bestZero = z;
      }
    }
    put(row, group, best, bestZero);
    return least < Double.POSITIVE_INFINITY;
  }

  /// Stores a scale and a zero, rounded to the nearest bfloat16.
  void put(int row, int group, float scale, float zero) {
    long at = index(row, group) * 2;
    scales.putBf16(at, scale);
    zeros.putBf16(at, zero);
  }

  private long index(int row, int group) {
    return (long) row * (inputs / GROUP) + group;
  }

  LinearWeights.Int4 build() {
    return new LinearWeights.Int4(outputs, inputs, codes, scales, zeros);
  }
}
