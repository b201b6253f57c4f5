package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Where the rows of a step stand, on the device: sent once, read by every layer.
final class CudaRows {
  /// A position and the index of the sequence's first page, as `RowPlace` of `attention.cu`.
  private static final int PLACE_BYTES = 8;

  private static final long RING_BYTES = 4 << 20;

  private final CudaStaging staging;
  private @Nullable Rows sentRows;
  private @Nullable Rotary sentRotary;
  private long places;
  private long pages;
  private long turns;

  CudaRows(CudaDriver driver) {
    // A ring of its own: what later calls send must not overwrite what layers still read.
    staging = new CudaStaging(driver, CudaDriver.Queue.COMPUTE, RING_BYTES);
  }

  /// Sends `rows` unless they are those of the last call.
  ///
  /// @param rotary whose sines and cosines [#turns] are to be, or null if they are not needed
  void send(Rows rows, @Nullable Rotary rotary) {
    if (rows == sentRows && (rotary == null || rotary == sentRotary)) {
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
    long pagesAt = (long) PLACE_BYTES * count;
    long turnsAt = pagesAt + (long) Integer.BYTES * size;
    MemorySegment taken = staging.take(turnsAt + (long) Float.BYTES * turning * count);
    for (int i = 0; i < count; i++) {
      taken.set(Bytes.INT, (long) PLACE_BYTES * i, rows.positions()[i]);
      taken.set(Bytes.INT, (long) PLACE_BYTES * i + 4, firsts[i]);
      if (i == 0 || firsts[i] != firsts[i - 1]) {
        int[] table = rows.pages()[i];
        long at = pagesAt + (long) Integer.BYTES * firsts[i];
        MemorySegment.copy(table, 0, taken, Bytes.INT, at, table.length);
      }
      if (rotary != null) {
        float[] turn = rotary.at(rows.positions()[i]);
        MemorySegment.copy(
            turn, 0, taken, Bytes.FLOAT, turnsAt + (long) Float.BYTES * turning * i, turning);
      }
    }
    staging.send(taken);
    places = staging.address(taken);
    pages = places + pagesAt;
    turns = places + turnsAt;
    sentRows = rows;
    sentRotary = rotary;
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
