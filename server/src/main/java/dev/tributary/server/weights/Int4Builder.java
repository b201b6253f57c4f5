package dev.tributary.server.weights;

import static dev.tributary.server.tensor.LinearWeights.GROUP;

import dev.tributary.server.tensor.Bytes;
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
    scales = Bytes.allocate((long) outputs * inputs / GROUP * 4);
    zeros = Bytes.allocate((long) outputs * inputs / GROUP * 4);
  }

  /// Stores 32 codes of a group, eight in each int, the first lowest.
  void codes(int row, int group, int a, int b, int c, int d) {
    long at = index(row, group) * (GROUP / 2);
    codes.putInt(at, a);
    codes.putInt(at + 4, b);
    codes.putInt(at + 8, c);
    codes.putInt(at + 12, d);
  }

  /// Stores a scale and a zero.
  ///
  /// @return whether both are finite
  boolean put(int row, int group, double scale, double zero) {
    long at = index(row, group) * 4;
    scales.putFloat(at, (float) scale);
    zeros.putFloat(at, (float) zero);
    return Float.isFinite((float) scale) && Float.isFinite((float) zero);
  }

  private long index(int row, int group) {
    return (long) row * (inputs / GROUP) + group;
  }

  LinearWeights.Int4 build() {
    return new LinearWeights.Int4(outputs, inputs, codes, scales, zeros);
  }
}
