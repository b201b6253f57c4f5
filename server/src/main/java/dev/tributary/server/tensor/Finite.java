package dev.tributary.server.tensor;

/// Looks for NaN and infinity, eight bytes at a time.
public final class Finite {
  /// The exponent's bits of each number in eight bytes: all ones say that it is not finite.
  private static final long BF16_EXPONENTS = 0x7f80_7f80_7f80_7f80L;

  private static final long F32_EXPONENTS = 0x7f80_0000_7f80_0000L;

  private static final long BF16_SIGNS = 0x8000_8000_8000_8000L;

  private static final long F32_SIGNS = 0x8000_0000_8000_0000L;

  private Finite() {}

  /// Index of the first of all elements of `matrix`, row-major, that is not finite; -1 if there is
  /// none.
  public static long firstNot(Matrix matrix) {
    long elements = (long) matrix.rows() * matrix.cols();
    long whole = elements * matrix.type().bytes() / Long.BYTES * Long.BYTES;
    if (areFinite(matrix.data(), whole, matrix.type())) {
      return firstNot(matrix, whole / matrix.type().bytes(), elements);
    }
    return firstNot(matrix, 0, elements);
  }

  private static long firstNot(Matrix matrix, long from, long to) {
    for (long i = from; i < to; i++) {
      if (!Float.isFinite(matrix.get((int) (i / matrix.cols()), (int) (i % matrix.cols())))) {
        return i;
      }
    }
    return -1;
  }

  /// With its exponent's bits inverted and its sign dropped, a number is zero if it is not finite;
  /// adding the largest number without a sign sets the sign of all others, and carries nothing over
  /// to the next.
  private static boolean areFinite(Bytes data, long bytes, DType type) {
    long exponents = type == DType.BF16 ? BF16_EXPONENTS : F32_EXPONENTS;
    long signs = type == DType.BF16 ? BF16_SIGNS : F32_SIGNS;
    long unit = type == DType.BF16 ? 0x7fff_7fff_7fff_7fffL : 0x7fff_ffff_7fff_ffffL;
    long all = signs;
    for (long at = 0; at < bytes; at += Long.BYTES) {
      all &= ((data.getLong(at) & exponents) ^ exponents) + unit;
    }
    return all == signs;
  }
}
