package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;

/// Turns matrices of 32-bit elements round, in blocks of 16 by 16 where vectors have 16 lanes.
///
/// A block takes four rounds (as the butterflies of a fast Fourier transform): in each, two vectors
/// trade halves, quarters, pairs and single elements.
final class Transpose {
  /// Elements of a side of a block.
  private static final int SIDE = 16;

  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

  private static final IntVector LOW_8 = indices(8, 0);
  private static final IntVector HIGH_8 = indices(8, 8);
  private static final IntVector LOW_4 = indices(4, 0);
  private static final IntVector HIGH_4 = indices(4, 4);
  private static final IntVector LOW_2 = indices(2, 0);
  private static final IntVector HIGH_2 = indices(2, 2);
  private static final IntVector LOW_1 = indices(1, 0);
  private static final IntVector HIGH_1 = indices(1, 1);

  private Transpose() {}

  /// Lanes of two vectors (those of the second count from 16 on) that make the first or the second
  /// vector after runs of `width` lanes were traded.
  private static IntVector indices(int width, int first) {
    int[] lanes = new int[Lanes.LENGTH];
    for (int i = 0; i < lanes.length; i++) {
      boolean second = i / width % 2 == 1;
      lanes[i] =
          (i / (2 * width) * 2 * width + first + i % width + (second ? SIDE : 0))
              % (2 * Lanes.LENGTH);
    }
    return IntVector.fromArray(Lanes.I, lanes, 0);
  }

  /// `to[j][i] = from[i][j]` for `[rows, cols]` of `from`.
  ///
  /// @param fromRow bytes from a row of `from` to the next
  /// @param toRow bytes from a row of `to` to the next
  static void run(
      MemorySegment from,
      long at,
      long fromRow,
      int rows,
      int cols,
      MemorySegment to,
      long into,
      long toRow) {
    boolean blocks = Lanes.LENGTH == SIDE;
    int wholeRows = blocks ? rows / SIDE * SIDE : 0;
    int wholeCols = blocks ? cols / SIDE * SIDE : 0;
    for (int i = 0; i < wholeRows; i += SIDE) {
      for (int j = 0; j < wholeCols; j += SIDE) {
        block(from, at + i * fromRow + 4L * j, fromRow, to, into + j * toRow + 4L * i, toRow);
      }
    }
    for (int i = 0; i < rows; i++) {
      for (int j = i < wholeRows ? wholeCols : 0; j < cols; j++) {
        int value = from.get(Bytes.INT, at + i * fromRow + 4L * j);
        to.set(Bytes.INT, into + j * toRow + 4L * i, value);
      }
    }
  }

  private static IntVector load(MemorySegment from, long at) {
    return IntVector.fromMemorySegment(Lanes.I, from, at, LE);
  }

  /// One block of 16 by 16.
  static void block(
      MemorySegment from, long at, long fromRow, MemorySegment to, long into, long toRow) {
    IntVector r0 = load(from, at);
    IntVector r1 = load(from, at + fromRow);
    IntVector r2 = load(from, at + 2 * fromRow);
    IntVector r3 = load(from, at + 3 * fromRow);
    IntVector r4 = load(from, at + 4 * fromRow);
    IntVector r5 = load(from, at + 5 * fromRow);
    IntVector r6 = load(from, at + 6 * fromRow);
    IntVector r7 = load(from, at + 7 * fromRow);
    IntVector r8 = load(from, at + 8 * fromRow);
    IntVector r9 = load(from, at + 9 * fromRow);
    IntVector r10 = load(from, at + 10 * fromRow);
    IntVector r11 = load(from, at + 11 * fromRow);
    IntVector r12 = load(from, at + 12 * fromRow);
    IntVector r13 = load(from, at + 13 * fromRow);
    IntVector r14 = load(from, at + 14 * fromRow);
    IntVector r15 = load(from, at + 15 * fromRow);
    IntVector t;
    t = LOW_8.selectFrom(r0, r8);
    r8 = HIGH_8.selectFrom(r0, r8);
    r0 = t;
    t = LOW_8.selectFrom(r1, r9);
    r9 = HIGH_8.selectFrom(r1, r9);
    r1 = t;
    t = LOW_8.selectFrom(r2, r10);
    r10 = HIGH_8.selectFrom(r2, r10);
    r2 = t;
    t = LOW_8.selectFrom(r3, r11);
    r11 = HIGH_8.selectFrom(r3, r11);
    r3 = t;
    t = LOW_8.selectFrom(r4, r12);
    r12 = HIGH_8.selectFrom(r4, r12);
    r4 = t;
    t = LOW_8.selectFrom(r5, r13);
    r13 = HIGH_8.selectFrom(r5, r13);
    r5 = t;
    t = LOW_8.selectFrom(r6, r14);
    r14 = HIGH_8.selectFrom(r6, r14);
    r6 = t;
    t = LOW_8.selectFrom(r7, r15);
    r15 = HIGH_8.selectFrom(r7, r15);
    r7 = t;
    t = LOW_4.selectFrom(r0, r4);
    r4 = HIGH_4.selectFrom(r0, r4);
    r0 = t;
    t = LOW_4.selectFrom(r1, r5);
    r5 = HIGH_4.selectFrom(r1, r5);
    r1 = t;
    t = LOW_4.selectFrom(r2, r6);
    r6 = HIGH_4.selectFrom(r2, r6);
    r2 = t;
    t = LOW_4.selectFrom(r3, r7);
    r7 = HIGH_4.selectFrom(r3, r7);
    r3 = t;
    t = LOW_4.selectFrom(r8, r12);
    r12 = HIGH_4.selectFrom(r8, r12);
    r8 = t;
    t = LOW_4.selectFrom(r9, r13);
    r13 = HIGH_4.selectFrom(r9, r13);
    r9 = t;
    t = LOW_4.selectFrom(r10, r14);
    r14 = HIGH_4.selectFrom(r10, r14);
    r10 = t;
    t = LOW_4.selectFrom(r11, r15);
    r15 = HIGH_4.selectFrom(r11, r15);
    r11 = t;
    t = LOW_2.selectFrom(r0, r2);
    r2 = HIGH_2.selectFrom(r0, r2);
    r0 = t;
    t = LOW_2.selectFrom(r1, r3);
    r3 = HIGH_2.selectFrom(r1, r3);
    r1 = t;
    t = LOW_2.selectFrom(r4, r6);
    r6 = HIGH_2.selectFrom(r4, r6);
    r4 = t;
    t = LOW_2.selectFrom(r5, r7);
    r7 = HIGH_2.selectFrom(r5, r7);
    r5 = t;
    t = LOW_2.selectFrom(r8, r10);
    r10 = HIGH_2.selectFrom(r8, r10);
    r8 = t;
    t = LOW_2.selectFrom(r9, r11);
    r11 = HIGH_2.selectFrom(r9, r11);
    r9 = t;
    t = LOW_2.selectFrom(r12, r14);
    r14 = HIGH_2.selectFrom(r12, r14);
    r12 = t;
    t = LOW_2.selectFrom(r13, r15);
    r15 = HIGH_2.selectFrom(r13, r15);
    r13 = t;
    t = LOW_1.selectFrom(r0, r1);
    r1 = HIGH_1.selectFrom(r0, r1);
    r0 = t;
    t = LOW_1.selectFrom(r2, r3);
    r3 = HIGH_1.selectFrom(r2, r3);
    r2 = t;
    t = LOW_1.selectFrom(r4, r5);
    r5 = HIGH_1.selectFrom(r4, r5);
    r4 = t;
    t = LOW_1.selectFrom(r6, r7);
    r7 = HIGH_1.selectFrom(r6, r7);
    r6 = t;
    t = LOW_1.selectFrom(r8, r9);
    r9 = HIGH_1.selectFrom(r8, r9);
    r8 = t;
    t = LOW_1.selectFrom(r10, r11);
    r11 = HIGH_1.selectFrom(r10, r11);
    r10 = t;
    t = LOW_1.selectFrom(r12, r13);
    r13 = HIGH_1.selectFrom(r12, r13);
    r12 = t;
    t = LOW_1.selectFrom(r14, r15);
    r15 = HIGH_1.selectFrom(r14, r15);
    r14 = t;
    r0.intoMemorySegment(to, into, LE);
    r1.intoMemorySegment(to, into + toRow, LE);
    r2.intoMemorySegment(to, into + 2 * toRow, LE);
    r3.intoMemorySegment(to, into + 3 * toRow, LE);
    r4.intoMemorySegment(to, into + 4 * toRow, LE);
    r5.intoMemorySegment(to, into + 5 * toRow, LE);
    r6.intoMemorySegment(to, into + 6 * toRow, LE);
    r7.intoMemorySegment(to, into + 7 * toRow, LE);
    r8.intoMemorySegment(to, into + 8 * toRow, LE);
    r9.intoMemorySegment(to, into + 9 * toRow, LE);
    r10.intoMemorySegment(to, into + 10 * toRow, LE);
    r11.intoMemorySegment(to, into + 11 * toRow, LE);
    r12.intoMemorySegment(to, into + 12 * toRow, LE);
    r13.intoMemorySegment(to, into + 13 * toRow, LE);
    r14.intoMemorySegment(to, into + 14 * toRow, LE);
    r15.intoMemorySegment(to, into + 15 * toRow, LE);
  }
}
