package dev.tributary.server.attribution;

import java.util.Arrays;
import java.util.BitSet;

/// Sorts the suffixes of a text of integers by induced sorting, in linear time (Nong, Zhang and
/// Chan 2009, "Linear Suffix Array Construction by Almost Pure Induced-Sorting").
///
/// A suffix is of S type if it is less than the next one, else of L type; the end of the text is
/// less than any symbol. An S suffix after an L one is leftmost (LMS). From the sorted LMS suffixes
/// the order of all L ones follows in one sweep, and from theirs that of all S ones in another. The
/// LMS suffixes are sorted by the order of the stretches between them, with a text of those
/// stretches' ranks where that leaves ties.
final class SuffixArray {
  private final int[] text;
  private final int length;

  /// Bit i: suffix i is of S type.
  private final BitSet small;

  /// Where each symbol's suffixes begin, and at `symbols` the length.
  private final int[] buckets;

  private final int[] order;

  private SuffixArray(int[] text, int symbols) {
    this.text = text;
    length = text.length;
    small = new BitSet(length);
    buckets = new int[symbols + 1];
    order = new int[length];
    for (int symbol : text) {
      buckets[symbol + 1]++;
    }
    for (int symbol = 0; symbol < symbols; symbol++) {
      buckets[symbol + 1] += buckets[symbol];
    }
    for (int i = length - 2; i >= 0; i--) {
      boolean less = text[i] == text[i + 1] ? small.get(i + 1) : text[i] < text[i + 1];
      small.set(i, less);
    }
  }

  /// Where the suffixes of `text` begin, in their order.
  ///
  /// @param text symbols, 0 and up; its memory is read, not kept
  /// @param symbols more than the largest
  static int[] of(int[] text, int symbols) {
    return new SuffixArray(text, symbols).sort();
  }

  private int[] sort() {
    int[] leftmost = leftmost();
    induce(leftmost);
    if (leftmost.length > 1) {
      induce(sorted(leftmost));
    }
    return order;
  }

  private boolean isLeftmost(int i) {
    return i > 0 && small.get(i) && !small.get(i - 1);
  }

  private int[] leftmost() {
    int[] found = new int[length / 2 + 1];
    int count = 0;
    for (int i = 1; i < length; i++) {
      if (isLeftmost(i)) {
        found[count++] = i;
      }
    }
    return Arrays.copyOf(found, count);
  }

  /// Sorts all suffixes, given the LMS ones in the order of what is known of them.
  private void induce(int[] leftmost) {
    Arrays.fill(order, -1);
    int symbols = buckets.length - 1;
    int[] ends = Arrays.copyOfRange(buckets, 1, symbols + 1);
    for (int i = leftmost.length - 1; i >= 0; i--) {
      order[--ends[text[leftmost[i]]]] = leftmost[i];
    }
    if (length == 0) {
      return;
    }
    int[] starts = Arrays.copyOf(buckets, symbols);
    place(length - 1, starts);
    for (int k = 0; k < length; k++) {
      if (order[k] > 0 && !small.get(order[k] - 1)) {
        place(order[k] - 1, starts);
      }
    }
    System.arraycopy(buckets, 1, ends, 0, symbols);
    for (int k = length - 1; k >= 0; k--) {
      if (order[k] > 0 && small.get(order[k] - 1)) {
        int suffix = order[k] - 1;
        order[--ends[text[suffix]]] = suffix;
      }
    }
  }

  private void place(int suffix, int[] starts) {
    order[starts[text[suffix]]++] = suffix;
  }

  /// The LMS suffixes sorted, where [#order] has them sorted by their stretches.
  private int[] sorted(int[] leftmost) {
    // An LMS suffix and the next are two apart at least, so half of it is a number of its own.
    int[] ranks = new int[length / 2 + 1];
    int rank = -1;
    int before = -1;
    for (int suffix : order) {
      if (isLeftmost(suffix)) {
        if (before < 0 || !sameStretch(before, suffix)) {
          rank++;
        }
        ranks[suffix / 2] = rank;
        before = suffix;
      }
    }
    int[] reduced = new int[leftmost.length];
    for (int i = 0; i < leftmost.length; i++) {
      reduced[i] = ranks[leftmost[i] / 2];
    }
    int[] places = of(reduced, rank + 1);
    int[] sorted = new int[leftmost.length];
    for (int i = 0; i < sorted.length; i++) {
      sorted[i] = leftmost[places[i]];
    }
    return sorted;
  }

  /// Whether the stretches from two LMS suffixes to the next ones are the same.
  private boolean sameStretch(int a, int b) {
    for (int i = 0; a + i < length && b + i < length; i++) {
      if (text[a + i] != text[b + i] || small.get(a + i) != small.get(b + i)) {
        return false;
      }
      if (i > 0 && isLeftmost(a + i) && isLeftmost(b + i)) {
        return true;
      }
    }
    return false;
  }
}
