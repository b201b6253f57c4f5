package dev.tributary.identity;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a safetensors file says it holds, checked: tensors tile the data section without holes or
/// overlaps, and each has as many bytes as its dtype and shape need.
///
/// @param tensors by name, in the order of the header
/// @param metadata the header's `__metadata__`; empty where there is none
public record SafetensorsHeader(Map<String, Tensor> tensors, Map<String, String> metadata) {
  /// Longest header in bytes, as in the reference implementation.
  public static final long MAX_HEADER_BYTES = 100_000_000;

  /// Most tensors in one file.
  public static final int MAX_TENSORS = 1_000_000;

  /// Most dimensions of one tensor.
  public static final int MAX_DIMENSIONS = 16;

  /// Most bytes of a tensor's name in UTF-8.
  public static final int MAX_NAME_BYTES = 4_096;

  /// Bits of one element of each dtype that is known.
  private static final Map<String, Integer> DTYPE_BITS =
      Map.ofEntries(
          Map.entry("BOOL", 8),
          Map.entry("U8", 8),
          Map.entry("I8", 8),
          Map.entry("F8_E4M3", 8),
          Map.entry("F8_E5M2", 8),
          Map.entry("U16", 16),
          Map.entry("I16", 16),
          Map.entry("F16", 16),
          Map.entry("BF16", 16),
          Map.entry("U32", 32),
          Map.entry("I32", 32),
          Map.entry("F32", 32),
          Map.entry("U64", 64),
          Map.entry("I64", 64),
          Map.entry("F64", 64));

  public SafetensorsHeader {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /// One tensor.
  ///
  /// @param dtype as safetensors writes it: `F32`, `BF16`, ...
  /// @param shape each dimension non-negative; empty for a scalar
  /// @param begin byte offset in the file of its first byte
  /// @param end byte offset in the file after its last byte
  public record Tensor(String dtype, List<Long> shape, long begin, long end) {
    public Tensor {
      if (!DTYPE_BITS.containsKey(dtype) || begin < 0 || end < begin) {
        throw new IllegalArgumentException(dtype + " [" + begin + ", " + end + ")");
      }
      shape = List.copyOf(shape);
    }

    /// Number of elements.
    public long elements() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }
  }

  /// Reads and checks the header of a safetensors file.
  ///
  /// @throws SafetensorsException if it is malformed, says of which byte
  public static SafetensorsHeader parse(ReadableBytes file) throws IOException {
    long size = file.size();
    long length = headerLength(file, size);
    byte[] header = new byte[(int) length];
    file.read(Long.BYTES, ByteBuffer.wrap(header));
    return new SafetensorsHeaderReader(header, size).read();
  }

  /// Reads and checks the header that stands in the first bytes of a file of `fileSize` bytes.
  ///
  /// @throws SafetensorsException if it is malformed, or longer than what `firstBytes` holds
  public static SafetensorsHeader parse(ByteBuffer firstBytes, long fileSize) {
    ReadableBytes prefix = ReadableBytes.of(firstBytes);
    try {
      long length = headerLength(prefix, fileSize);
      if (length > prefix.size() - Long.BYTES) {
        throw new SafetensorsException(
            0, "a header of " + length + " bytes, of which " + prefix.size() + " are here");
      }
      byte[] header = new byte[(int) length];
      prefix.read(Long.BYTES, ByteBuffer.wrap(header));
      return new SafetensorsHeaderReader(header, fileSize).read();
    } catch (IOException e) {
      throw new SafetensorsException(0, "shorter than the 8 bytes of the header's length", e);
    }
  }

  private static long headerLength(ReadableBytes file, long size) throws IOException {
    if (size < Long.BYTES) {
      throw new SafetensorsException(0, size + " bytes, fewer than the header's length needs");
    }
    ByteBuffer buffer = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    file.read(0, buffer);
    long length = buffer.getLong(0);
    if (length < 2 || length > MAX_HEADER_BYTES) {
      throw new SafetensorsException(
          0,
          "a header of %s bytes; 2 to %d are possible"
              .formatted(Long.toUnsignedString(length), MAX_HEADER_BYTES));
    }
    if (length > size - Long.BYTES) {
      throw new SafetensorsException(
          0, "a header of %d bytes in a file of %d".formatted(length, size));
    }
    return length;
  }

  /// Bytes that a tensor takes, or -1 for an unknown dtype.
  ///
  /// @throws ArithmeticException if they don't fit a long
  static long bytes(String dtype, List<Long> shape) {
    Integer bits = DTYPE_BITS.get(dtype);
    if (bits == null) {
      return -1;
    }
    // In order and checked at each step, as the reference implementation does.
    long elements = shape.stream().reduce(1L, Math::multiplyExact);
    return Math.multiplyExact(elements, bits / 8);
  }
}
