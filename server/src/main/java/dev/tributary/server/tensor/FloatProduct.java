package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Small dense float32 products `C (+)= scale A B`, what the backward of adapters and of attention
/// is made of.
///
/// Every element of C adds its terms in their order from 0, one fused multiply-add each, whatever
/// tile it falls in: how a product is cut into blocks of rows and columns changes no bit. A may lie
/// in any order (its elements are broadcast); rows of B and C are contiguous.
final class FloatProduct {
  private static final long VECTOR = 4L * Lanes.LENGTH;

  private FloatProduct() {}

  /// Where a matrix lies, in bytes: element `[i, j]` at `at + i * row + j * col`.
  record Place(MemorySegment memory, long at, long row, long col) {
    /// Rows from `i`, columns from `j` on.
    static Place of(Matrix matrix, int i, int j) {
      return new Place(
          matrix.data().segment(), matrix.offset(i, j), 4L * matrix.cols(), Float.BYTES);
    }

    Place transposed() {
      return new Place(memory, at, col, row);
    }

    Place from(int i, int j) {
      return new Place(memory, at + i * row + j * col, row, col);
    }
  }

  /// `C[m, n] = scale A[m, k] B[k, n]`, or added to C. The columns of B and C are contiguous.
  ///
  /// @param scratch of the calling worker; its [Scratch#tile] is used
  static void run(
      Place a, Place b, Place c, int m, int n, int k, float scale, boolean add, Scratch scratch) {
    float[] tile = scratch.tile();
    int j = 0;
    while (n - j >= Lanes.LENGTH) {
      int vectors = n - j >= 4 * Lanes.LENGTH ? 4 : n - j >= 2 * Lanes.LENGTH ? 2 : 1;
      int most = vectors == 4 ? 4 : 8;
      Place from = b.from(0, j);
      for (int i = 0; i < m; ) {
        int rows = m - i >= most ? most : 1;
        sums(a.from(i, 0), from, rows, vectors, k, tile);
        store(tile, rows, vectors, scale, c.from(i, j), add);
        i += rows;
      }
      j += vectors * Lanes.LENGTH;
    }
    if (j < n) {
      columns(a, b, c, m, j, n, k, scale, add);
    }
  }

  /// The sums of a tile, `[rows][vectors]`.
  private static void sums(Place a, Place b, int rows, int vectors, int k, float[] tile) {
    if (rows == 1) {
      switch (vectors) {
        case 4 -> tile1x4(a.memory, a.at, a.row, a.col, b.memory, b.at, b.row, k, tile);
        case 2 -> tile1x2(a.memory, a.at, a.row, a.col, b.memory, b.at, b.row, k, tile);
        default -> tile1x1(a.memory, a.at, a.row, a.col, b.memory, b.at, b.row, k, tile);
      }
    } else {
      switch (vectors) {
        case 4 -> tile4x4(a.memory, a.at, a.row, a.col, b.memory, b.at, b.row, k, tile);
        case 2 -> tile8x2(a.memory, a.at, a.row, a.col, b.memory, b.at, b.row, k, tile);
        default -> tile8x1(a.memory, a.at, a.row, a.col, b.memory, b.at, b.row, k, tile);
      }
    }
  }

  /// Apart from the sums: all of it in one method would be more than the compiler inlines, and
  /// vectors would be boxed.
  private static void store(
      float[] tile, int rows, int vectors, float scale, Place c, boolean add) {
    int at = 0;
    for (int i = 0; i < rows; i++) {
      long to = c.at + i * c.row;
      for (int v = 0; v < vectors; v++, at += Lanes.LENGTH, to += VECTOR) {
        FloatVector value = FloatVector.fromArray(Lanes.F, tile, at).mul(scale);
        if (add) {
          Lanes.toF32(Lanes.f32(c.memory, to).add(value), c.memory, to);
        } else {
          Lanes.toF32(value, c.memory, to);
        }
      }
    }
  }

  /// Columns `[from, n)`, fewer than a vector.
  private static void columns(
      Place a, Place b, Place c, int m, int from, int n, int k, float scale, boolean add) {
    for (int i = 0; i < m; i++) {
      for (int j = from; j < n; j++) {
        float sum = 0;
        for (int l = 0; l < k; l++) {
          float factor = a.memory.get(Bytes.FLOAT, a.at + i * a.row + l * a.col);
          sum = Math.fma(b.memory.get(Bytes.FLOAT, b.at + l * b.row + 4L * j), factor, sum);
        }
        long to = c.at + i * c.row + 4L * j;
        float value = sum * scale;
        c.memory.set(Bytes.FLOAT, to, add ? c.memory.get(Bytes.FLOAT, to) + value : value);
      }
    }
  }

  private static void tile4x4(
      MemorySegment a,
      long aAt,
      long aRow,
      long aK,
      MemorySegment b,
      long bAt,
      long bRow,
      int k,
      float[] tile) {
    FloatVector s00 = FloatVector.zero(Lanes.F);
    FloatVector s01 = s00;
    FloatVector s02 = s00;
    FloatVector s03 = s00;
    FloatVector s10 = s00;
    FloatVector s11 = s00;
    FloatVector s12 = s00;
    FloatVector s13 = s00;
    FloatVector s20 = s00;
    FloatVector s21 = s00;
    FloatVector s22 = s00;
    FloatVector s23 = s00;
    FloatVector s30 = s00;
    FloatVector s31 = s00;
    FloatVector s32 = s00;
    FloatVector s33 = s00;
    long at = aAt;
    long row = bAt;
    for (int i = 0; i < k; i++, at += aK, row += bRow) {
      FloatVector b0 = Lanes.f32(b, row);
      FloatVector b1 = Lanes.f32(b, row + VECTOR);
      FloatVector b2 = Lanes.f32(b, row + 2 * VECTOR);
      FloatVector b3 = Lanes.f32(b, row + 3 * VECTOR);
      FloatVector f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at));
      s00 = b0.fma(f, s00);
      s01 = b1.fma(f, s01);
      s02 = b2.fma(f, s02);
      s03 = b3.fma(f, s03);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + aRow));
      s10 = b0.fma(f, s10);
      s11 = b1.fma(f, s11);
      s12 = b2.fma(f, s12);
      s13 = b3.fma(f, s13);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 2 * aRow));
      s20 = b0.fma(f, s20);
      s21 = b1.fma(f, s21);
      s22 = b2.fma(f, s22);
      s23 = b3.fma(f, s23);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 3 * aRow));
      s30 = b0.fma(f, s30);
      s31 = b1.fma(f, s31);
      s32 = b2.fma(f, s32);
      s33 = b3.fma(f, s33);
    }
    s00.intoArray(tile, 0);
    s01.intoArray(tile, Lanes.LENGTH);
    s02.intoArray(tile, 2 * Lanes.LENGTH);
    s03.intoArray(tile, 3 * Lanes.LENGTH);
    s10.intoArray(tile, 4 * Lanes.LENGTH);
    s11.intoArray(tile, 5 * Lanes.LENGTH);
    s12.intoArray(tile, 6 * Lanes.LENGTH);
    s13.intoArray(tile, 7 * Lanes.LENGTH);
    s20.intoArray(tile, 8 * Lanes.LENGTH);
    s21.intoArray(tile, 9 * Lanes.LENGTH);
    s22.intoArray(tile, 10 * Lanes.LENGTH);
    s23.intoArray(tile, 11 * Lanes.LENGTH);
    s30.intoArray(tile, 12 * Lanes.LENGTH);
    s31.intoArray(tile, 13 * Lanes.LENGTH);
    s32.intoArray(tile, 14 * Lanes.LENGTH);
    s33.intoArray(tile, 15 * Lanes.LENGTH);
  }

  private static void tile1x4(
      MemorySegment a,
      long aAt,
      long aRow,
      long aK,
      MemorySegment b,
      long bAt,
      long bRow,
      int k,
      float[] tile) {
    FloatVector s00 = FloatVector.zero(Lanes.F);
    FloatVector s01 = s00;
    FloatVector s02 = s00;
    FloatVector s03 = s00;
    long at = aAt;
    long row = bAt;
    for (int i = 0; i < k; i++, at += aK, row += bRow) {
      FloatVector b0 = Lanes.f32(b, row);
      FloatVector b1 = Lanes.f32(b, row + VECTOR);
      FloatVector b2 = Lanes.f32(b, row + 2 * VECTOR);
      FloatVector b3 = Lanes.f32(b, row + 3 * VECTOR);
      FloatVector f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at));
      s00 = b0.fma(f, s00);
      s01 = b1.fma(f, s01);
      s02 = b2.fma(f, s02);
      s03 = b3.fma(f, s03);
    }
    s00.intoArray(tile, 0);
    s01.intoArray(tile, Lanes.LENGTH);
    s02.intoArray(tile, 2 * Lanes.LENGTH);
    s03.intoArray(tile, 3 * Lanes.LENGTH);
  }

  private static void tile8x2(
      MemorySegment a,
      long aAt,
      long aRow,
      long aK,
      MemorySegment b,
      long bAt,
      long bRow,
      int k,
      float[] tile) {
    FloatVector s00 = FloatVector.zero(Lanes.F);
    FloatVector s01 = s00;
    FloatVector s10 = s00;
    FloatVector s11 = s00;
    FloatVector s20 = s00;
    FloatVector s21 = s00;
    FloatVector s30 = s00;
    FloatVector s31 = s00;
    FloatVector s40 = s00;
    FloatVector s41 = s00;
    FloatVector s50 = s00;
    FloatVector s51 = s00;
    FloatVector s60 = s00;
    FloatVector s61 = s00;
    FloatVector s70 = s00;
    FloatVector s71 = s00;
    long at = aAt;
    long row = bAt;
    for (int i = 0; i < k; i++, at += aK, row += bRow) {
      FloatVector b0 = Lanes.f32(b, row);
      FloatVector b1 = Lanes.f32(b, row + VECTOR);
      FloatVector f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at));
      s00 = b0.fma(f, s00);
      s01 = b1.fma(f, s01);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + aRow));
      s10 = b0.fma(f, s10);
      s11 = b1.fma(f, s11);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 2 * aRow));
      s20 = b0.fma(f, s20);
      s21 = b1.fma(f, s21);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 3 * aRow));
      s30 = b0.fma(f, s30);
      s31 = b1.fma(f, s31);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 4 * aRow));
      s40 = b0.fma(f, s40);
      s41 = b1.fma(f, s41);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 5 * aRow));
      s50 = b0.fma(f, s50);
      s51 = b1.fma(f, s51);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 6 * aRow));
      s60 = b0.fma(f, s60);
      s61 = b1.fma(f, s61);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 7 * aRow));
      s70 = b0.fma(f, s70);
      s71 = b1.fma(f, s71);
    }
    s00.intoArray(tile, 0);
    s01.intoArray(tile, Lanes.LENGTH);
    s10.intoArray(tile, 2 * Lanes.LENGTH);
    s11.intoArray(tile, 3 * Lanes.LENGTH);
    s20.intoArray(tile, 4 * Lanes.LENGTH);
    s21.intoArray(tile, 5 * Lanes.LENGTH);
    s30.intoArray(tile, 6 * Lanes.LENGTH);
    s31.intoArray(tile, 7 * Lanes.LENGTH);
    s40.intoArray(tile, 8 * Lanes.LENGTH);
    s41.intoArray(tile, 9 * Lanes.LENGTH);
    s50.intoArray(tile, 10 * Lanes.LENGTH);
    s51.intoArray(tile, 11 * Lanes.LENGTH);
    s60.intoArray(tile, 12 * Lanes.LENGTH);
    s61.intoArray(tile, 13 * Lanes.LENGTH);
    s70.intoArray(tile, 14 * Lanes.LENGTH);
    s71.intoArray(tile, 15 * Lanes.LENGTH);
  }

  private static void tile1x2(
      MemorySegment a,
      long aAt,
      long aRow,
      long aK,
      MemorySegment b,
      long bAt,
      long bRow,
      int k,
      float[] tile) {
    FloatVector s00 = FloatVector.zero(Lanes.F);
    FloatVector s01 = s00;
    long at = aAt;
    long row = bAt;
    for (int i = 0; i < k; i++, at += aK, row += bRow) {
      FloatVector b0 = Lanes.f32(b, row);
      FloatVector b1 = Lanes.f32(b, row + VECTOR);
      FloatVector f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at));
      s00 = b0.fma(f, s00);
      s01 = b1.fma(f, s01);
    }
    s00.intoArray(tile, 0);
    s01.intoArray(tile, Lanes.LENGTH);
  }

  private static void tile8x1(
      MemorySegment a,
      long aAt,
      long aRow,
      long aK,
      MemorySegment b,
      long bAt,
      long bRow,
      int k,
      float[] tile) {
    FloatVector s00 = FloatVector.zero(Lanes.F);
    FloatVector s10 = s00;
    FloatVector s20 = s00;
    FloatVector s30 = s00;
    FloatVector s40 = s00;
    FloatVector s50 = s00;
    FloatVector s60 = s00;
    FloatVector s70 = s00;
    long at = aAt;
    long row = bAt;
    for (int i = 0; i < k; i++, at += aK, row += bRow) {
      FloatVector b0 = Lanes.f32(b, row);
      FloatVector f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at));
      s00 = b0.fma(f, s00);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + aRow));
      s10 = b0.fma(f, s10);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 2 * aRow));
      s20 = b0.fma(f, s20);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 3 * aRow));
      s30 = b0.fma(f, s30);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 4 * aRow));
      s40 = b0.fma(f, s40);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 5 * aRow));
      s50 = b0.fma(f, s50);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 6 * aRow));
      s60 = b0.fma(f, s60);
      f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at + 7 * aRow));
      s70 = b0.fma(f, s70);
    }
    s00.intoArray(tile, 0);
    s10.intoArray(tile, Lanes.LENGTH);
    s20.intoArray(tile, 2 * Lanes.LENGTH);
    s30.intoArray(tile, 3 * Lanes.LENGTH);
    s40.intoArray(tile, 4 * Lanes.LENGTH);
    s50.intoArray(tile, 5 * Lanes.LENGTH);
    s60.intoArray(tile, 6 * Lanes.LENGTH);
    s70.intoArray(tile, 7 * Lanes.LENGTH);
  }

  private static void tile1x1(
      MemorySegment a,
      long aAt,
      long aRow,
      long aK,
      MemorySegment b,
      long bAt,
      long bRow,
      int k,
      float[] tile) {
    FloatVector s00 = FloatVector.zero(Lanes.F);
    long at = aAt;
    long row = bAt;
    for (int i = 0; i < k; i++, at += aK, row += bRow) {
      FloatVector b0 = Lanes.f32(b, row);
      FloatVector f = FloatVector.broadcast(Lanes.F, a.get(Bytes.FLOAT, at));
      s00 = b0.fma(f, s00);
    }
    s00.intoArray(tile, 0);
  }
}
