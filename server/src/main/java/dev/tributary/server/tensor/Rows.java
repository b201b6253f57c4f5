package dev.tributary.server.tensor;

import java.util.Arrays;

/// Where each row of a step stands in its sequence.
///
/// @param positions `[rows]` index of the row's token in its sequence, from 0
/// @param pages `[rows]` the page table of the row's sequence; rows of one sequence share the array
public record Rows(int[] positions, int[][] pages) {
  public Rows {
    if (positions.length != pages.length) {
      throw new IllegalArgumentException(
          positions.length + " positions, " + pages.length + " page tables");
    }
    for (int i = 0; i < positions.length; i++) {
      if (positions[i] < 0 || positions[i] / KvCache.PAGE >= pages[i].length) {
        throw new IllegalArgumentException(
            "position " + positions[i] + " over " + pages[i].length + " pages");
      }
    }
  }

  /// Rows `[from, to)`.
  public Rows range(int from, int to) {
    return from == 0 && to == count()
        ? this
        : new Rows(Arrays.copyOfRange(positions, from, to), Arrays.copyOfRange(pages, from, to));
  }

  public int count() {
    return positions.length;
  }
}
