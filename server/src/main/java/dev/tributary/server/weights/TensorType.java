package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.Floats;
import org.jspecify.annotations.Nullable;

/// Element types of stored tensors, with their block layouts (ggml's `ggml-common.h`; safetensors
/// has the first three).
public enum TensorType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  BF16(30, 1, 2),
  Q4_0(2, 32, 18),
  Q4_1(3, 32, 20),
  Q5_0(6, 32, 22),
  Q5_1(7, 32, 24),
  Q8_0(8, 32, 34),
  Q4_K(12, 256, 144),
  Q5_K(13, 256, 176),
  Q6_K(14, 256, 210);

  private final int ggmlId;
  private final int blockLength;
  private final int blockBytes;

  TensorType(int ggmlId, int blockLength, int blockBytes) {
    this.ggmlId = ggmlId;
    this.blockLength = blockLength;
    this.blockBytes = blockBytes;
  }

  static @Nullable TensorType ofGgml(int id) {
    for (TensorType type : values()) {
      if (type.ggmlId == id) {
        return type;
      }
    }
    return null;
  }

  /// Elements a block.
  public int blockLength() {
    return blockLength;
  }

  /// Bytes a block.
  public int blockBytes() {
    return blockBytes;
  }

  /// Dequantises the block at `offset` into `out[at..at + blockLength())`.
  void dequantize(Bytes data, long offset, float[] out, int at) {
    switch (this) {
      case F32 -> out[at] = data.getFloat(offset);
      case F16 -> out[at] = Floats.fromF16(data.getShort(offset));
      case BF16 -> out[at] = data.getBf16(offset);
      case Q4_0 -> nibbles(data, offset + 2, half(data, offset), -8, 0, out, at);
      case Q4_1 ->
          nibbles(data, offset + 4, half(data, offset), 0, half(data, offset + 2), out, at);
      case Q5_0 -> fives(data, offset + 2, offset + 6, half(data, offset), -16, 0, out, at);
      case Q5_1 ->
          fives(
              data, offset + 4, offset + 8, half(data, offset), 0, half(data, offset + 2), out, at);
      case Q8_0 -> eights(data, offset, out, at);
      case Q4_K -> KBlocks.q4(data, offset, out, at);
      case Q5_K -> KBlocks.q5(data, offset, out, at);
      case Q6_K -> KBlocks.q6(data, offset, out, at);
    }
  }

  static float half(Bytes data, long offset) {
    return Floats.fromF16(data.getShort(offset));
  }

  /// 32 codes of 4 bits: the low nibbles, then the high ones; `(code + bias) * scale + min`.
  private static void nibbles(
      Bytes data, long codes, float scale, int bias, float min, float[] out, int at) {
    for (int j = 0; j < 16; j++) {
      int pair = data.get(codes + j);
      out[at + j] = ((pair & 15) + bias) * scale + min;
      out[at + 16 + j] = (((pair >> 4) & 15) + bias) * scale + min;
    }
  }

  /// As nibbles, with a fifth bit from a word of 32.
  private static void fives(
      Bytes data, long fifths, long codes, float scale, int bias, float min, float[] out, int at) {
    int high = data.getInt(fifths);
    for (int j = 0; j < 16; j++) {
      int pair = data.get(codes + j);
      int low = (pair & 15) | (((high >>> j) & 1) << 4);
      int upper = ((pair >> 4) & 15) | (((high >>> (j + 16)) & 1) << 4);
      out[at + j] = (low + bias) * scale + min;
      out[at + 16 + j] = (upper + bias) * scale + min;
    }
  }

  private static void eights(Bytes data, long offset, float[] out, int at) {
    float scale = half(data, offset);
    for (int j = 0; j < 32; j++) {
      out[at + j] = data.get(offset + 2 + j) * scale;
    }
  }
}
