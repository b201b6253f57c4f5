package dev.tributary.server.weights;

import com.google.errorprone.annotations.Immutable;
import dev.tributary.server.tensor.Bytes;
import java.util.List;
import java.util.Map;

/// The element types that are read, with their layout in blocks as ggml defines it.
public enum TensorType {
  F32(0, 1, 4, Dequantize::f32),
  F16(1, 1, 2, Dequantize::f16),
  Q4_0(2, 32, 18, Dequantize::q40),
  Q4_1(3, 32, 20, Dequantize::q41),
  Q5_0(6, 32, 22, Dequantize::q50),
  Q5_1(7, 32, 24, Dequantize::q51),
  Q8_0(8, 32, 34, Dequantize::q80),
  Q4_K(12, 256, 144, Dequantize::q4k),
  Q5_K(13, 256, 176, Dequantize::q5k),
  Q6_K(14, 256, 210, Dequantize::q6k),
  BF16(30, 1, 2, Dequantize::bf16);

  /// ggml's types that are known and not read, for errors that name them.
  private static final Map<Long, String> OTHERS =
      Map.ofEntries(
          Map.entry(9L, "Q8_1"),
          Map.entry(10L, "Q2_K"),
          Map.entry(11L, "Q3_K"),
          Map.entry(15L, "Q8_K"),
          Map.entry(16L, "IQ2_XXS"),
          Map.entry(17L, "IQ2_XS"),
          Map.entry(18L, "IQ3_XXS"),
          Map.entry(19L, "IQ1_S"),
          Map.entry(20L, "IQ4_NL"),
          Map.entry(21L, "IQ3_S"),
          Map.entry(22L, "IQ2_S"),
          Map.entry(23L, "IQ4_XS"),
          Map.entry(24L, "I8"),
          Map.entry(25L, "I16"),
          Map.entry(26L, "I32"),
          Map.entry(27L, "I64"),
          Map.entry(28L, "F64"),
          Map.entry(29L, "IQ1_M"),
          Map.entry(34L, "TQ1_0"),
          Map.entry(35L, "TQ2_0"),
          Map.entry(39L, "MXFP4"));

  private final int id;
  private final int blockElements;
  private final int blockBytes;
  private final Block block;

  TensorType(int id, int blockElements, int blockBytes, Block block) {
    this.id = id;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
    this.block = block;
  }

  /// Dequantises the block at byte `offset` of `data` into `out` from index `at` on.
  @Immutable
  @FunctionalInterface
  private interface Block {
    void dequantize(Bytes data, long offset, float[] out, int at);
  }

  /// Consecutive elements of a row that are stored together.
  public int blockElements() {
    return blockElements;
  }

  /// Bytes of one block.
  public int blockBytes() {
    return blockBytes;
  }

  /// The type of ggml's number `id`.
  ///
  /// @throws IllegalArgumentException if it is not read, naming it
  static TensorType of(long id) {
    for (TensorType type : values()) {
      if (type.id == id) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        "expected a tensor type of %s, found %s (ggml type %d)"
            .formatted(List.of(values()), OTHERS.getOrDefault(id, "an unknown one"), id));
  }

  /// Bytes that a tensor of `shape` takes: whole blocks in each row.
  ///
  /// @param shape row-major, the last dimension is a row
  /// @throws IllegalArgumentException if it is no possible shape, saying why
  long bytes(List<Long> shape) {
    long rows = 1;
    for (long dimension : shape) {
      if (dimension < 1 || dimension > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "expected dimensions from 1 to %d, found %s".formatted(Integer.MAX_VALUE, shape));
      }
    }
    for (int i = 0; i + 1 < shape.size(); i++) {
      rows *= shape.get(i);
      if (rows > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "expected at most %d rows, found %s".formatted(Integer.MAX_VALUE, shape));
      }
    }
    long cols = shape.isEmpty() ? 1 : shape.getLast();
    if (cols % blockElements != 0) {
      throw new IllegalArgumentException(
          "expected rows of a multiple of %d elements for %s, found %s"
              .formatted(blockElements, this, shape));
    }
    // At most 2^31 rows of 2^31 four-byte elements: 2^64 is out of reach of a file, and caught.
    try {
      return Math.multiplyExact(rows, cols / blockElements * blockBytes);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("expected less than 2^63 bytes, found " + shape, e);
    }
  }

  /// Dequantises `count` elements, whole blocks, from byte `offset` of `data` into `out`.
  void dequantize(Bytes data, long offset, int count, float[] out) {
    for (int at = 0; at < count; at += blockElements) {
      block.dequantize(data, offset, out, at);
      offset += blockBytes;
    }
  }

  /// The type that safetensors calls `dtype`, such as `BF16`.
  ///
  /// @throws IllegalArgumentException if it is not read
  static TensorType ofDtype(String dtype) {
    return switch (dtype) {
      case "F32" -> F32;
      case "F16" -> F16;
      case "BF16" -> BF16;
      default ->
          throw new IllegalArgumentException(
              "expected a dtype of [F32, F16, BF16], found " + dtype);
    };
  }
}
