package dev.tributary.server.attribution;

/// A gradient's direction in bytes.
///
/// Products are of integers, so that scores of the same sketches are the same on every machine.
///
/// @param values in `[-127, 127]`; not to be changed
/// @param squares sum of their squares; 0 for a gradient that vanishes
public record Sketch(byte[] values, long squares) {
  private static final int ONE = 127;

  /// @param gradient finite
  static Sketch of(float[] gradient) {
    float most = 0;
    for (float value : gradient) {
      most = Math.max(most, Math.abs(value));
    }
    byte[] values = new byte[gradient.length];
    if (most == 0) {
      return of(values);
    }
    if (!Float.isFinite(most)) {
      throw new ArithmeticException("a gradient is not finite");
    }
    for (int i = 0; i < values.length; i++) {
      values[i] = (byte) Math.round((double) gradient[i] * ONE / most);
    }
    return of(values);
  }

  static Sketch of(byte[] values) {
    return new Sketch(values, dot(values, 0, values));
  }

  /// Of the angle to another one of the same length; 0 if one of them vanishes.
  public double cosine(Sketch other) {
    return cosine(dot(values, 0, other.values), squares, other.squares);
  }

  static double cosine(long dot, long squares, long others) {
    return dot == 0 ? 0 : dot / Math.sqrt((double) squares * others);
  }

  /// The product of `b` and as many values of `a` from `at` on.
  static long dot(byte[] a, int at, byte[] b) {
    long sum = 0;
    for (int from = 0; from < b.length; from += 1 << 16) {
      int to = Math.min(b.length, from + (1 << 16));
      int part = 0; // at most 2^16 times 2^14
      for (int i = from; i < to; i++) {
        part += a[at + i] * b[i];
      }
      sum += part;
    }
    return sum;
  }
}
