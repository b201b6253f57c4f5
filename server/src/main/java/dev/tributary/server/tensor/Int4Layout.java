package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// How libtorch's `_convert_weight_to_int4pack_for_cpu` lays out codes: blocks of columns, in each
/// block all columns of input 0, then of input 1, and so on, two codes a byte. The layout is
/// internal to libtorch (`aten/src/ATen/native/cpu/int4mm_kernel.cpp`), so it is recognised, never
/// assumed.
enum Int4Layout {
  /// Blocks of 64; in a full one a byte holds columns `j` and `j + 32`.
  AVX512(64, true),
  /// Blocks of 32; in a full one a byte holds columns `j` and `j + 16`.
  AVX2(32, true),
  /// Blocks of 32; a byte holds neighbouring columns.
  SCALAR(32, false),
  /// None of these.
  UNKNOWN(64, false);

  /// Columns are dealt to workers in multiples of the largest block.
  static final int BLOCK = 64;

  private final int block;
  private final boolean halves;

  Int4Layout(int block, boolean halves) {
    this.block = block;
    this.halves = halves;
  }

  /// The layout in which `packed` holds `codes`.
  ///
  /// @param codes `[columns, inputs]`
  static Int4Layout of(MemorySegment packed, int[] codes, int columns, int inputs) {
    byte[] pairs = packed.toArray(ValueLayout.JAVA_BYTE);
    for (Int4Layout layout : new Int4Layout[] {AVX512, AVX2, SCALAR}) {
      if (layout.holds(pairs, codes, columns, inputs)) {
        return layout;
      }
    }
    return UNKNOWN;
  }

  private boolean holds(byte[] pairs, int[] codes, int columns, int inputs) {
    for (int n = 0; n < columns; n++) {
      for (int k = 0; k < inputs; k++) {
        int pair = pairs[(int) at(columns, inputs, n, k)];
        if ((high(columns, n) ? (pair >> 4) & 15 : pair & 15) != codes[n * inputs + k]) {
          return false;
        }
      }
    }
    return true;
  }

  /// The code of `[column, input]` in a shard of `columns`.
  int code(MemorySegment packed, int columns, int inputs, int column, int input) {
    int pair = packed.get(ValueLayout.JAVA_BYTE, at(columns, inputs, column, input));
    return high(columns, column) ? (pair >> 4) & 15 : pair & 15;
  }

  /// Offset of the byte that holds `[column, input]`.
  private long at(int columns, int inputs, int column, int input) {
    int start = column / block * block;
    int size = Math.min(block, columns - start);
    int j = column - start;
    int within = split(size) ? j % (block / 2) : j / 2;
    return (long) start * inputs / 2 + (long) input * size / 2 + within;
  }

  /// Whether `column` is in the high nibble of its byte.
  private boolean high(int columns, int column) {
    int start = column / block * block;
    int j = column - start;
    return split(Math.min(block, columns - start)) ? j >= block / 2 : (j & 1) == 1;
  }

  private boolean split(int size) {
    return halves && size == block;
  }
}
