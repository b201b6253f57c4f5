package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The inner loops of [LoraKernel]: [#RANKS] ranks by one row, or by [#ROWS].
///
/// One row reads the pair as it lies in memory, written out for bfloat16 and for float32, since a
/// vector that comes from one of two loads would be boxed. More rows share a copy that is widened
/// to float32 first. Where a pair has fewer ranks left its last is read again.
final class LowRank {
  static final int RANKS = 4;
  static final int ROWS = 4;

  private LowRank() {}

  /// `h[rank][row] = A[rank] · x[row]` for [#RANKS] ranks from `rank` on, at `h[at..]`.
  ///
  /// @param a float32 where there are several rows
  /// @param rows byte offsets in `x` of one row or of [#ROWS]
  /// @param sums room for [#RANKS] times [#ROWS] vectors
  static void dots(
      Matrix a, int rank, MemorySegment x, long[] rows, float[] h, int at, float[] sums) {
    int vectors = a.cols() / Lanes.LENGTH * Lanes.LENGTH;
    if (rows.length > 1) {
      dotsTile(a, rank, x, rows, vectors, sums);
    } else if (a.type() == DType.BF16) {
      dotsRowBf16(a, rank, x, rows[0], vectors, sums);
    } else {
      dotsRowF32(a, rank, x, rows[0], vectors, sums);
    }
    Lanes.sums(sums, RANKS * rows.length, h, at);
    if (vectors == a.cols()) {
      return;
    }
    for (int r = 0; r < Math.min(RANKS, a.rows() - rank); r++) {
      for (int i = 0; i < rows.length; i++) {
        float sum = h[at + r * rows.length + i];
        for (int k = vectors; k < a.cols(); k++) {
          sum = Math.fma(a.get(rank + r, k), x.get(Bytes.FLOAT, rows[i] + 4L * k), sum);
        }
        h[at + r * rows.length + i] = sum;
      }
    }
  }

  /// `y[row][n] += sum over ranks of B[n][rank] h[rank][row]`, the ranks in order, for `count`
  /// outputs from `from` on and [#RANKS] ranks from `rank` on; `h` is 0 where there are fewer.
  ///
  /// @param bt float32 where there are several rows
  /// @param rows byte offsets in `y` of the first output, in one row or in [#ROWS]; where a row is
  ///   there twice, its `h` is too
  static void add(
      Matrix bt, int rank, int from, int count, MemorySegment y, long[] rows, float[] h, int at) {
    int vectors = count / Lanes.LENGTH * Lanes.LENGTH;
    if (rows.length > 1) {
      addTile(bt, rank, from, vectors, y, rows, h, at);
    } else if (bt.type() == DType.BF16) {
      addRowBf16(bt, rank, from, vectors, y, rows[0], h, at);
    } else {
      addRowF32(bt, rank, from, vectors, y, rows[0], h, at);
    }
    for (int n = vectors; n < count; n++) {
      for (int i = 0; i < rows.length; i++) {
        if (i > 0 && rows[i] == rows[i - 1]) {
          break;
        }
        float sum = y.get(Bytes.FLOAT, rows[i] + 4L * n);
        for (int r = 0; r < Math.min(RANKS, bt.rows() - rank); r++) {
          sum = Math.fma(bt.get(rank + r, from + n), h[at + r * rows.length + i], sum);
        }
        y.set(Bytes.FLOAT, rows[i] + 4L * n, sum);
      }
    }
  }

  private static void dotsRowBf16(
      Matrix a, int rank, MemorySegment x, long row, int vectors, float[] sums) {
    MemorySegment values = a.data().segment();
    int last = a.rows() - 1;
    long a0 = a.offset(rank, 0);
    long a1 = a.offset(Math.min(rank + 1, last), 0);
    long a2 = a.offset(Math.min(rank + 2, last), 0);
    long a3 = a.offset(Math.min(rank + 3, last), 0);
    FloatVector s0 = FloatVector.zero(Lanes.F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int k = 0; k < vectors; k += Lanes.LENGTH) {
      FloatVector v = Lanes.f32(x, row + 4L * k);
      s0 = Lanes.bf16(values, a0 + 2L * k).fma(v, s0);
      s1 = Lanes.bf16(values, a1 + 2L * k).fma(v, s1);
      s2 = Lanes.bf16(values, a2 + 2L * k).fma(v, s2);
      s3 = Lanes.bf16(values, a3 + 2L * k).fma(v, s3);
    }
    s0.intoArray(sums, 0);
    s1.intoArray(sums, Lanes.LENGTH);
    s2.intoArray(sums, 2 * Lanes.LENGTH);
    s3.intoArray(sums, 3 * Lanes.LENGTH);
  }

  private static void dotsRowF32(
      Matrix a, int rank, MemorySegment x, long row, int vectors, float[] sums) {
    MemorySegment values = a.data().segment();
    int last = a.rows() - 1;
    long a0 = a.offset(rank, 0);
    long a1 = a.offset(Math.min(rank + 1, last), 0);
    long a2 = a.offset(Math.min(rank + 2, last), 0);
    long a3 = a.offset(Math.min(rank + 3, last), 0);
    FloatVector s0 = FloatVector.zero(Lanes.F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int k = 0; k < vectors; k += Lanes.LENGTH) {
      FloatVector v = Lanes.f32(x, row + 4L * k);
      s0 = Lanes.f32(values, a0 + 4L * k).fma(v, s0);
      s1 = Lanes.f32(values, a1 + 4L * k).fma(v, s1);
      s2 = Lanes.f32(values, a2 + 4L * k).fma(v, s2);
      s3 = Lanes.f32(values, a3 + 4L * k).fma(v, s3);
    }
    s0.intoArray(sums, 0);
    s1.intoArray(sums, Lanes.LENGTH);
    s2.intoArray(sums, 2 * Lanes.LENGTH);
    s3.intoArray(sums, 3 * Lanes.LENGTH);
  }

  private static void dotsTile(
      Matrix a, int rank, MemorySegment x, long[] rows, int vectors, float[] sums) {
    MemorySegment values = a.data().segment();
    int last = a.rows() - 1;
    long a0 = a.offset(rank, 0);
    long a1 = a.offset(Math.min(rank + 1, last), 0);
    long a2 = a.offset(Math.min(rank + 2, last), 0);
    long a3 = a.offset(Math.min(rank + 3, last), 0);
    long x0 = rows[0];
    long x1 = rows[1];
    long x2 = rows[2];
    long x3 = rows[3];
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
    for (int k = 0; k < vectors; k += Lanes.LENGTH) {
      FloatVector r0 = Lanes.f32(values, a0 + 4L * k);
      FloatVector r1 = Lanes.f32(values, a1 + 4L * k);
      FloatVector r2 = Lanes.f32(values, a2 + 4L * k);
      FloatVector r3 = Lanes.f32(values, a3 + 4L * k);
      FloatVector v = Lanes.f32(x, x0 + 4L * k);
      s00 = r0.fma(v, s00);
      s10 = r1.fma(v, s10);
      s20 = r2.fma(v, s20);
      s30 = r3.fma(v, s30);
      v = Lanes.f32(x, x1 + 4L * k);
      s01 = r0.fma(v, s01);
      s11 = r1.fma(v, s11);
      s21 = r2.fma(v, s21);
      s31 = r3.fma(v, s31);
      v = Lanes.f32(x, x2 + 4L * k);
      s02 = r0.fma(v, s02);
      s12 = r1.fma(v, s12);
      s22 = r2.fma(v, s22);
      s32 = r3.fma(v, s32);
      v = Lanes.f32(x, x3 + 4L * k);
      s03 = r0.fma(v, s03);
      s13 = r1.fma(v, s13);
      s23 = r2.fma(v, s23);
      s33 = r3.fma(v, s33);
    }
    s00.intoArray(sums, 0);
    s01.intoArray(sums, Lanes.LENGTH);
    s02.intoArray(sums, 2 * Lanes.LENGTH);
    s03.intoArray(sums, 3 * Lanes.LENGTH);
    s10.intoArray(sums, 4 * Lanes.LENGTH);
    s11.intoArray(sums, 5 * Lanes.LENGTH);
    s12.intoArray(sums, 6 * Lanes.LENGTH);
    s13.intoArray(sums, 7 * Lanes.LENGTH);
    s20.intoArray(sums, 8 * Lanes.LENGTH);
    s21.intoArray(sums, 9 * Lanes.LENGTH);
    s22.intoArray(sums, 10 * Lanes.LENGTH);
    s23.intoArray(sums, 11 * Lanes.LENGTH);
    s30.intoArray(sums, 12 * Lanes.LENGTH);
    s31.intoArray(sums, 13 * Lanes.LENGTH);
    s32.intoArray(sums, 14 * Lanes.LENGTH);
    s33.intoArray(sums, 15 * Lanes.LENGTH);
  }

  private static void addRowBf16(
      Matrix bt, int rank, int from, int vectors, MemorySegment y, long row, float[] h, int at) {
    MemorySegment values = bt.data().segment();
    int last = bt.rows() - 1;
    long b0 = bt.offset(rank, from);
    long b1 = bt.offset(Math.min(rank + 1, last), from);
    long b2 = bt.offset(Math.min(rank + 2, last), from);
    long b3 = bt.offset(Math.min(rank + 3, last), from);
    FloatVector h0 = FloatVector.broadcast(Lanes.F, h[at]);
    FloatVector h1 = FloatVector.broadcast(Lanes.F, h[at + 1]);
    FloatVector h2 = FloatVector.broadcast(Lanes.F, h[at + 2]);
    FloatVector h3 = FloatVector.broadcast(Lanes.F, h[at + 3]);
    for (int n = 0; n < vectors; n += Lanes.LENGTH) {
      FloatVector sum = Lanes.f32(y, row + 4L * n);
      sum = Lanes.bf16(values, b0 + 2L * n).fma(h0, sum);
      sum = Lanes.bf16(values, b1 + 2L * n).fma(h1, sum);
      sum = Lanes.bf16(values, b2 + 2L * n).fma(h2, sum);
      sum = Lanes.bf16(values, b3 + 2L * n).fma(h3, sum);
      Lanes.toF32(sum, y, row + 4L * n);
    }
  }

  private static void addRowF32(
      Matrix bt, int rank, int from, int vectors, MemorySegment y, long row, float[] h, int at) {
    MemorySegment values = bt.data().segment();
    int last = bt.rows() - 1;
    long b0 = bt.offset(rank, from);
    long b1 = bt.offset(Math.min(rank + 1, last), from);
    long b2 = bt.offset(Math.min(rank + 2, last), from);
    long b3 = bt.offset(Math.min(rank + 3, last), from);
    FloatVector h0 = FloatVector.broadcast(Lanes.F, h[at]);
    FloatVector h1 = FloatVector.broadcast(Lanes.F, h[at + 1]);
    FloatVector h2 = FloatVector.broadcast(Lanes.F, h[at + 2]);
    FloatVector h3 = FloatVector.broadcast(Lanes.F, h[at + 3]);
    for (int n = 0; n < vectors; n += Lanes.LENGTH) {
      FloatVector sum = Lanes.f32(y, row + 4L * n);
      sum = Lanes.f32(values, b0 + 4L * n).fma(h0, sum);
      sum = Lanes.f32(values, b1 + 4L * n).fma(h1, sum);
      sum = Lanes.f32(values, b2 + 4L * n).fma(h2, sum);
      sum = Lanes.f32(values, b3 + 4L * n).fma(h3, sum);
      Lanes.toF32(sum, y, row + 4L * n);
    }
  }

  private static void addTile(
      Matrix bt, int rank, int from, int vectors, MemorySegment y, long[] rows, float[] h, int at) {
    MemorySegment values = bt.data().segment();
    int last = bt.rows() - 1;
    long b0 = bt.offset(rank, from);
    long b1 = bt.offset(Math.min(rank + 1, last), from);
    long b2 = bt.offset(Math.min(rank + 2, last), from);
    long b3 = bt.offset(Math.min(rank + 3, last), from);
    long y0 = rows[0];
    long y1 = rows[1];
    long y2 = rows[2];
    long y3 = rows[3];
    FloatVector h00 = FloatVector.broadcast(Lanes.F, h[at]);
    FloatVector h01 = FloatVector.broadcast(Lanes.F, h[at + 1]);
    FloatVector h02 = FloatVector.broadcast(Lanes.F, h[at + 2]);
    FloatVector h03 = FloatVector.broadcast(Lanes.F, h[at + 3]);
    FloatVector h10 = FloatVector.broadcast(Lanes.F, h[at + 4]);
    FloatVector h11 = FloatVector.broadcast(Lanes.F, h[at + 5]);
    FloatVector h12 = FloatVector.broadcast(Lanes.F, h[at + 6]);
    FloatVector h13 = FloatVector.broadcast(Lanes.F, h[at + 7]);
    FloatVector h20 = FloatVector.broadcast(Lanes.F, h[at + 8]);
    FloatVector h21 = FloatVector.broadcast(Lanes.F, h[at + 9]);
    FloatVector h22 = FloatVector.broadcast(Lanes.F, h[at + 10]);
    FloatVector h23 = FloatVector.broadcast(Lanes.F, h[at + 11]);
    FloatVector h30 = FloatVector.broadcast(Lanes.F, h[at + 12]);
    FloatVector h31 = FloatVector.broadcast(Lanes.F, h[at + 13]);
    FloatVector h32 = FloatVector.broadcast(Lanes.F, h[at + 14]);
    FloatVector h33 = FloatVector.broadcast(Lanes.F, h[at + 15]);
    for (int n = 0; n < vectors; n += Lanes.LENGTH) {
      FloatVector s0 = Lanes.f32(y, y0 + 4L * n);
      FloatVector s1 = Lanes.f32(y, y1 + 4L * n);
      FloatVector s2 = Lanes.f32(y, y2 + 4L * n);
      FloatVector s3 = Lanes.f32(y, y3 + 4L * n);
      FloatVector b = Lanes.f32(values, b0 + 4L * n);
      s0 = b.fma(h00, s0);
      s1 = b.fma(h01, s1);
      s2 = b.fma(h02, s2);
      s3 = b.fma(h03, s3);
      b = Lanes.f32(values, b1 + 4L * n);
      s0 = b.fma(h10, s0);
      s1 = b.fma(h11, s1);
      s2 = b.fma(h12, s2);
      s3 = b.fma(h13, s3);
      b = Lanes.f32(values, b2 + 4L * n);
      s0 = b.fma(h20, s0);
      s1 = b.fma(h21, s1);
      s2 = b.fma(h22, s2);
      s3 = b.fma(h23, s3);
      b = Lanes.f32(values, b3 + 4L * n);
      s0 = b.fma(h30, s0);
      s1 = b.fma(h31, s1);
      s2 = b.fma(h32, s2);
      s3 = b.fma(h33, s3);
      Lanes.toF32(s0, y, y0 + 4L * n);
      Lanes.toF32(s1, y, y1 + 4L * n);
      Lanes.toF32(s2, y, y2 + 4L * n);
      Lanes.toF32(s3, y, y3 + 4L * n);
    }
  }
}
