package dev.tributary.server.schedule;

import java.util.BitSet;

/// Hands out the pages of the cache of keys and values. A page has one owner at a time.
final class Pages {
  /// A stack: pages used last are reused first, while their memory is warm.
  private final int[] free;

  private final BitSet owned = new BitSet();
  private int freeCount;

  Pages(int count) {
    free = new int[count];
    for (int i = 0; i < count; i++) {
      free[i] = count - 1 - i;
    }
    freeCount = count;
  }

  int total() {
    return free.length;
  }

  int free() {
    return freeCount;
  }

  /// `count` pages, which must be free.
  int[] take(int count) {
    if (count > freeCount) {
      throw new IllegalStateException(count + " pages of " + freeCount + " free");
    }
    int[] taken = new int[count];
    for (int i = 0; i < count; i++) {
      taken[i] = free[--freeCount];
      owned.set(taken[i]);
    }
    return taken;
  }

  void giveBack(int[] pages) {
    for (int i = pages.length - 1; i >= 0; i--) {
      if (!owned.get(pages[i])) {
        throw new IllegalStateException("page " + pages[i] + " is given back twice");
      }
      owned.clear(pages[i]);
      free[freeCount++] = pages[i];
    }
  }
}
