package dev.tributary.server.metrics;

/// What the engine is doing, at about one moment.
///
/// @param running rows in work; at most `maxRows`
/// @param waiting rows in the queue; at most `maxWaiting`
/// @param maxAdapters different adapters that run at once
/// @param pages of the cache of keys and values, of `pageTokens` tokens each
/// @param freePages that no row holds; `cachedPages` of them keep a prefix
/// @param prefixTokens tokens of prompts found in the cache since the start; `promptTokens` were
///   computed
/// @param generatedTokens since the start
/// @param preemptions how often a row gave up its pages since the start
/// @param failedSteps since the start
public record EngineFigures(
    int running,
    int maxRows,
    int waiting,
    int maxWaiting,
    int maxAdapters,
    int pages,
    int pageTokens,
    int freePages,
    int cachedPages,
    long promptTokens,
    long prefixTokens,
    long generatedTokens,
    long preemptions,
    long failedSteps) {
  /// Before there is an engine.
  public static final EngineFigures NONE =
      new EngineFigures(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  /// The share of the cache's pages that rows hold, in [0, 1].
  public double kvUse() {
    return share(pages - freePages, pages);
  }

  /// The share of the rows that run, in [0, 1].
  public double rowUse() {
    return share(running, maxRows);
  }

  /// The share of the queue that is taken, in [0, 1].
  public double queueUse() {
    return share(waiting, maxWaiting);
  }

  private static double share(int part, int of) {
    return of == 0 ? 0 : Math.clamp((double) part / of, 0, 1);
  }
}
