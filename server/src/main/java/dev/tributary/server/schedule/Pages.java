package dev.tributary.server.schedule;

/// Hands out the pages of the cache of keys and values and counts who holds them. A page is free,
/// held by one sequence that writes it, held by several that read it, or idle: held by nobody, but
/// kept in the [PrefixCache] until the page is needed.
final class Pages {
  /// A stack: pages used last are reused first, while their memory is warm.
  private final int[] free;

  private final int[] holders;
  private final PrefixCache cache;
  private int freeCount;

  Pages(int count, PrefixCache cache) {
    this.cache = cache;
    holders = new int[count];
    free = new int[count];
    for (int i = 0; i < count; i++) {
      free[i] = count - 1 - i;
    }
    freeCount = count;
  }

  int total() {
    return free.length;
  }

  /// Pages that nobody holds.
  int available() {
    return freeCount + cache.idle();
  }

  /// Whether somebody holds `page`.
  boolean isHeld(int page) {
    return holders[page] > 0;
  }

  /// A page of one's own, free or taken from the prefix cache; there must be one available.
  int take() {
    if (available() == 0) {
      throw new IllegalStateException("none of " + total() + " pages is available");
    }
    int page = freeCount > 0 ? free[--freeCount] : cache.evict();
    holders[page] = 1;
    return page;
  }

  /// Holds a page that the prefix cache found, to read it.
  void share(int page) {
    if (holders[page]++ == 0) {
      cache.wake(page);
    }
  }

  /// Gives back pages in the order of their sequence. The last is the first to be evicted: without
  /// those before it nobody finds it.
  void giveBack(int[] pages) {
    for (int i = pages.length - 1; i >= 0; i--) {
      int page = pages[i];
      if (holders[page] == 0) {
        throw new IllegalStateException("page " + page + " is given back too often");
      }
      if (--holders[page] == 0 && !cache.rest(page)) {
        free[freeCount++] = page;
      }
    }
  }
}
