package dev.tributary.server.schedule;

/// Bounds of the scheduler.
///
/// @param maxRows most sequences admitted and not ended
/// @param maxWaiting most sequences waiting
/// @param maxAdapters most different adapters that the admitted sequences use, unless a single one
///   uses more
/// @param stepTokens most tokens a step, at least `maxRows + busyTokens`
/// @param busyTokens most tokens of prompts in a step in which a row decodes, at least `chunk`:
///   what those who read their answers wait for
/// @param chunk prompts are cut at multiples of this, in tokens; whole pages
/// @param pages pages of the cache
/// @param pageTokens tokens a page, at most 32
/// @param wideFrom rows of a step from which the wide path is the faster; [Integer#MAX_VALUE] where
///   there is none
public record Limits(
    int maxRows,
    int maxWaiting,
    int maxAdapters,
    int stepTokens,
    int busyTokens,
    int chunk,
    int pages,
    int pageTokens,
    int wideFrom) {
  public Limits {
    if (maxRows < 1 || maxWaiting < 1 || maxAdapters < 1 || pages < 1 || wideFrom < 1) {
      throw new IllegalArgumentException(
          "rows %d, waiting %d, adapters %d, pages %d, wide from %d"
              .formatted(maxRows, maxWaiting, maxAdapters, pages, wideFrom));
    }
    if (pageTokens < 1 || pageTokens > Integer.SIZE || chunk < 1 || chunk % pageTokens != 0) {
      throw new IllegalArgumentException(
          "a chunk of %d tokens, pages of %d".formatted(chunk, pageTokens));
    }
    if (stepTokens < maxRows + busyTokens || busyTokens < chunk) {
      throw new IllegalArgumentException(
          "a step of %d tokens, %d if busy, for %d rows and a chunk of %d"
              .formatted(stepTokens, busyTokens, maxRows, chunk));
    }
  }

  int pagesFor(int tokens) {
    return Math.ceilDiv(tokens, pageTokens);
  }

  boolean hasWidePath() {
    return wideFrom < Integer.MAX_VALUE;
  }
}
