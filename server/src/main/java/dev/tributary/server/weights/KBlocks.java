package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;

/// Super-blocks of 256 weights (ggml's K-quants).
final class KBlocks {
  /// Where in a Q4_K or Q5_K block the 6-bit scales and minima start: after d and dmin.
  static final int SCALES = 4;

  private KBlocks() {}

  /// Scale of sub-block `j` (of 8), 6 bits; `at` is where the 12 packed bytes start.
  static int scale(Bytes data, long at, int j) {
    return j < 4
        ? data.get(at + j) & 63
        : (data.get(at + j + 4) & 15) | (((data.get(at + j - 4) & 0xff) >> 6) << 4);
  }

  /// Minimum of sub-block `j`, 6 bits.
  static int min(Bytes data, long at, int j) {
    return j < 4
        ? data.get(at + j + 4) & 63
        : ((data.get(at + j + 4) & 0xff) >> 4) | (((data.get(at + j) & 0xff) >> 6) << 4);
  }

  /// Code `i` (of 32) of sub-block `j` in a Q4_K block: sub-blocks 2n and 2n + 1 share 32 bytes.
  static int code(Bytes data, long block, int j, int i) {
    int pair = data.get(block + 16 + (j / 2) * 32L + i);
    return (j & 1) == 0 ? pair & 15 : (pair >> 4) & 15;
  }

  static void q4(Bytes data, long block, float[] out, int at) {
    float d = TensorType.half(data, block);
    float dmin = TensorType.half(data, block + 2);
    for (int j = 0; j < 8; j++) {
      float scale = d * scale(data, block + SCALES, j);
      float min = dmin * min(data, block + SCALES, j);
      for (int i = 0; i < 32; i++) {
        out[at + 32 * j + i] = scale * code(data, block, j, i) - min;
      }
    }
  }

  static void q5(Bytes data, long block, float[] out, int at) {
    float d = TensorType.half(data, block);
    float dmin = TensorType.half(data, block + 2);
    for (int j = 0; j < 8; j++) {
      float scale = d * scale(data, block + SCALES, j);
      float min = dmin * min(data, block + SCALES, j);
      for (int i = 0; i < 32; i++) {
        int pair = data.get(block + 48 + (j / 2) * 32L + i);
        int low = (j & 1) == 0 ? pair & 15 : (pair >> 4) & 15;
        int high = (data.get(block + 16 + i) >> j) & 1;
        out[at + 32 * j + i] = scale * (low | high << 4) - min;
      }
    }
  }

  /// 16 sub-blocks of 16 with 8-bit scales; codes have 4 low bits and 2 high ones apart.
  static void q6(Bytes data, long block, float[] out, int at) {
    float d = TensorType.half(data, block + 208);
    for (int half = 0; half < 2; half++) {
      long low = block + 64L * half;
      long high = block + 128 + 32L * half;
      for (int quarter = 0; quarter < 4; quarter++) {
        for (int i = 0; i < 32; i++) {
          int pair = data.get(low + (quarter & 1) * 32L + i);
          int code = quarter < 2 ? pair & 15 : (pair >> 4) & 15;
          code |= ((data.get(high + i) >> (2 * quarter)) & 3) << 4;
          int scale = data.get(block + 192 + 8L * half + 2L * quarter + i / 16);
          out[at + 128 * half + 32 * quarter + i] = d * scale * (code - 32);
        }
      }
    }
  }
}
