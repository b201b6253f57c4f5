package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Where the rows of a step stand, on the device: sent once, read by every layer.
final class CudaRows {
  /// A position and the index of the sequence's first page, as `RowPlace` of `attention.cu`.
  private static final int PLACE_BYTES = 8;

  private final CudaStep step;
  private @Nullable Rows sentRows;
  private @Nullable Rotary sentRotary;
  private int sentRound;
  private long places;
  private long turns;
  private long pages;

  CudaRows(CudaStep step) {
    this.step = step;
  }

  /// Sends `rows` unless they are those of the last call.
  ///
  /// @param rotary whose sines and cosines [#turns] are to be, or null if they are not needed
  void send(Rows rows, @Nullable Rotary rotary) {
    if (rows == sentRows && sentRound == step.round() && (rotary == null || rotary == sentRotary)) {
      return;
    }
    int count = rows.count();
    // Rows of one sequence follow each other and share the array.
    int[] firsts = new int[count];
    int size = 0;
    for (int i = 0; i < count; i++) {
      boolean same = i > 0 && rows.pages()[i] == rows.pages()[i - 1];
      firsts[i] = same ? firsts[i - 1] : size;
      size += same ? 0 : rows.pages()[i].length;
    }
    int turning = rotary == null ? 0 : rotary.dims();
    // The page tables come last: where the others lie does not depend on their size.
    long turnsAt = (long) PLACE_BYTES * count;
    long pagesAt = turnsAt + (long) Float.BYTES * turning * count;
    CudaStep.Piece piece = step.take(pagesAt + (long) Integer.BYTES * size);
    MemorySegment bytes = piece.bytes();
    for (int i = 0; i < count; i++) {
      bytes.set(Bytes.INT, (long) PLACE_BYTES * i, rows.positions()[i]);
      bytes.set(Bytes.INT, (long) PLACE_BYTES * i + 4, firsts[i]);
      if (i == 0 || firsts[i] != firsts[i - 1]) {
        int[] table = rows.pages()[i];
        long at = pagesAt + (long) Integer.BYTES * firsts[i];
        MemorySegment.copy(table, 0, bytes, Bytes.INT, at, table.length);
      }
      if (rotary != null) {
        float[] turn = rotary.at(rows.positions()[i]);
        long at = turnsAt + (long) Float.BYTES * turning * i;
        MemorySegment.copy(turn, 0, bytes, Bytes.FLOAT, at, turning);
      }
    }
    places = piece.address();
    turns = places + turnsAt;
    pages = places + pagesAt;
    sentRows = rows;
    sentRotary = rotary;
    sentRound = step.round();
  }

  /// `RowPlace[rows]`.
  long places() {
    return places;
  }

  /// Page tables of all sequences.
  long pages() {
    return pages;
  }

  /// `[rows][cosines, sines]`.
  long turns() {
    return turns;
  }
}
