package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.Floats;

/// One block of each [TensorType] to float32, with the operations of ggml in their order, so that
/// every bit agrees with it.
///
/// Offsets are in bytes; `out` is filled from index `at` on.
final class Dequantize {
  /// Elements in a block of the K types.
  static final int SUPER_BLOCK = 256;

  /// Offset of a Q4_K or Q5_K block's twelve bytes of 6-bit scales and minima, after two f16.
  static final int K_SCALES = 4;

  /// Offset of what follows them.
  static final int K_CODES = 16;

  private Dequantize() {}

  static void f32(Bytes data, long offset, float[] out, int at) {
    out[at] = data.getFloat(offset);
  }

  static void f16(Bytes data, long offset, float[] out, int at) {
    out[at] = getF16(data, offset);
  }

  static void bf16(Bytes data, long offset, float[] out, int at) {
    out[at] = data.getBf16(offset);
  }

  /// d, 16 bytes: byte i has code i low and code i + 16 high.
  static void q40(Bytes data, long offset, float[] out, int at) {
    float d = getF16(data, offset);
    for (int i = 0; i < 16; i++) {
      int pair = data.get(offset + 2 + i);
      out[at + i] = d * ((pair & 15) - 8);
      out[at + 16 + i] = d * (((pair >> 4) & 15) - 8);
    }
  }

  /// d, m, codes as in Q4_0.
  static void q41(Bytes data, long offset, float[] out, int at) {
    float d = getF16(data, offset);
    float m = getF16(data, offset + 2);
    for (int i = 0; i < 16; i++) {
      int pair = data.get(offset + 4 + i);
      out[at + i] = d * (pair & 15) + m;
      out[at + 16 + i] = d * ((pair >> 4) & 15) + m;
    }
  }

  /// d, 32 fifth bits, low four bits as in Q4_0.
  static void q50(Bytes data, long offset, float[] out, int at) {
    float d = getF16(data, offset);
    int fifth = data.getInt(offset + 2);
    for (int i = 0; i < 16; i++) {
      int pair = data.get(offset + 6 + i);
      out[at + i] = d * (five(pair, fifth >>> i) - 16);
      out[at + 16 + i] = d * (five(pair >> 4, fifth >>> (i + 16)) - 16);
    }
  }

  /// d, m, 32 fifth bits, low four bits as in Q4_0.
  static void q51(Bytes data, long offset, float[] out, int at) {
    float d = getF16(data, offset);
    float m = getF16(data, offset + 2);
    int fifth = data.getInt(offset + 4);
    for (int i = 0; i < 16; i++) {
      int pair = data.get(offset + 8 + i);
      out[at + i] = d * five(pair, fifth >>> i) + m;
      out[at + 16 + i] = d * five(pair >> 4, fifth >>> (i + 16)) + m;
    }
  }

  /// d, 32 signed bytes.
  static void q80(Bytes data, long offset, float[] out, int at) {
    float d = getF16(data, offset);
    for (int i = 0; i < 32; i++) {
      out[at + i] = d * data.get(offset + 2 + i);
    }
  }

  /// d, dmin, scales and minima, then per 64 elements 32 bytes: low nibbles first, then high ones.
  static void q4k(Bytes data, long offset, float[] out, int at) {
    for (int group = 0; group < 8; group++) {
      float d = kScale(data, offset, group);
      float m = kMinimum(data, offset, group);
      long codes = offset + K_CODES + (group >> 1) * 32L;
      int shift = (group & 1) * 4;
      for (int i = 0; i < 32; i++) {
        out[at + group * 32 + i] = d * ((data.get(codes + i) >> shift) & 15) - m;
      }
    }
  }

  /// As Q4_K, with 32 bytes between whose bit `group` of byte i is the fifth bit of element i.
  static void q5k(Bytes data, long offset, float[] out, int at) {
    long fifth = offset + K_CODES;
    for (int group = 0; group < 8; group++) {
      float d = kScale(data, offset, group);
      float m = kMinimum(data, offset, group);
      long codes = fifth + 32 + (group >> 1) * 32L;
      int shift = (group & 1) * 4;
      for (int i = 0; i < 32; i++) {
        int q = five(data.get(codes + i) >> shift, data.get(fifth + i) >> group);
        out[at + group * 32 + i] = d * q - m;
      }
    }
  }

  /// 128 bytes of low nibbles, 64 of upper pairs of bits, 16 signed scales, d; by halves of 128.
  static void q6k(Bytes data, long offset, float[] out, int at) {
    float d = getF16(data, offset + 208);
    for (int i = 0; i < SUPER_BLOCK; i++) {
      int half = i >> 7;
      int quarter = (i >> 5) & 3;
      int lane = i & 31;
      int lows = data.get(offset + half * 64L + (quarter & 1) * 32L + lane);
      int highs = data.get(offset + 128 + half * 32L + lane);
      float scale = d * data.get(offset + 192 + (i >> 4));
      int low = (lows >> ((quarter >> 1) * 4)) & 15;
      int high = (highs >> (quarter * 2)) & 3;
      out[at + i] = scale * ((low | (high << 4)) - 32);
    }
  }

  /// The lowest four bits of one number under the lowest bit of another.
  private static int five(int low, int fifth) {
    return (low & 15) | ((fifth & 1) << 4);
  }

  static float getF16(Bytes data, long offset) {
    return Floats.fromF16(data.getShort(offset));
  }

  /// What the codes of a group of 32 in a Q4_K or Q5_K block are multiplied with.
  static float kScale(Bytes data, long offset, int group) {
    return getF16(data, offset) * k6(data, offset + K_SCALES, group, 0);
  }

  /// What is subtracted from the products.
  static float kMinimum(Bytes data, long offset, int group) {
    return getF16(data, offset + 2) * k6(data, offset + K_SCALES, group, 4);
  }

  /// A 6-bit number of the twelve bytes: those of groups 0..3 are the low bits of bytes 0..7
  /// (scales, then minima); those of groups 4..7 have their low nibbles in bytes 8..11 and their
  /// upper two bits atop of bytes 0..7.
  private static int k6(Bytes data, long scales, int group, int minimum) {
    if (group < 4) {
      return data.get(scales + minimum + group) & 63;
    }
    int low = (data.get(scales + 4 + group) >> minimum) & 15;
    int high = (data.get(scales + minimum + group - 4) >> 6) & 3;
    return low | (high << 4);
  }
}
