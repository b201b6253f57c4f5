package dev.tributary.server.tensor;

/// Conversions between float32 and the 16-bit formats of weights and activations.
public final class Floats {
  private Floats() {}

  /// Nearest bfloat16, ties to even; NaN stays NaN.
  public static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  public static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /// `value` rounded to the nearest bfloat16.
  public static float roundToBf16(float value) {
    return fromBf16(toBf16(value));
  }

  /// IEEE 754 binary16, widened exactly.
  public static float fromF16(short bits) {
    return Float.float16ToFloat(bits);
  }
}
