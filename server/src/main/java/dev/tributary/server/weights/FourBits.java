package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.LinearWeights;

/// GGUF's 4-bit blocks as groups of `w = (q - 8) s + z`, their codes kept.
///
/// Q4_0: `s = d, z = 0`. Q4_1: `s = d, z = m + 8 d`. Q4_K, by sub-blocks: `s = d sc`, `z = 8 s -
/// dmin m`. The only loss is `s` and `z` rounded to bfloat16; `z` is chosen after `s` so that the
/// middle of the range of codes moves least.
final class FourBits {
  private FourBits() {}

  static LinearWeights.Int4 of(StoredTensor tensor, int outputs, int inputs) {
    int groups = outputs * (inputs / LinearWeights.GROUP);
    byte[] codes = new byte[outputs * inputs / 2];
    Bytes scales = Bytes.allocate(2L * groups);
    Bytes zeros = Bytes.allocate(2L * groups);
    Bytes data = tensor.data();
    int[] group = new int[LinearWeights.GROUP];
    byte[] pairs = new byte[LinearWeights.GROUP / 2];
    for (int g = 0; g < groups; g++) {
      float scale;
      float zero;
      if (tensor.type() == TensorType.Q4_K) {
        long block = g / 8 * (long) TensorType.Q4_K.blockBytes();
        int j = g % 8;
        for (int i = 0; i < 32; i++) {
          group[i] = KBlocks.code(data, block, j, i);
        }
        scale = TensorType.half(data, block) * KBlocks.scale(data, block + KBlocks.SCALES, j);
        float min = TensorType.half(data, block + 2) * KBlocks.min(data, block + KBlocks.SCALES, j);
        zero = 8 * scale - min;
      } else {
        boolean hasMin = tensor.type() == TensorType.Q4_1;
        long block = (long) g * tensor.type().blockBytes();
        long at = block + (hasMin ? 4 : 2);
        data.get(at, pairs, 0, pairs.length);
        for (int i = 0; i < 16; i++) {
          group[i] = pairs[i] & 15;
          group[i + 16] = (pairs[i] >> 4) & 15;
        }
        scale = TensorType.half(data, block);
        zero = hasMin ? TensorType.half(data, block + 2) + 8 * scale : 0;
      }
      put(codes, g, group);
      scales.putBf16(2L * g, scale);
      zeros.putBf16(2L * g, zero);
    }
    return new LinearWeights.Int4(outputs, inputs, Bytes.copyOf(codes), scales, zeros);
  }

  /// Stores the 32 codes of group `g`.
  static void put(byte[] codes, int g, int[] group) {
    for (int i = 0; i < LinearWeights.GROUP; i += 2) {
      codes[16 * g + i / 2] = (byte) (group[i] | group[i + 1] << 4);
    }
  }
}
