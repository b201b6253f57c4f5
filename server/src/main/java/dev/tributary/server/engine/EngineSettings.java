package dev.tributary.server.engine;

import java.time.Duration;

/// Bounds of the engine.
///
/// @param base digest of the base
/// @param repeatable every job is computed as if it asked to be [Job#repeatable]
/// @param context longest sequence of the model, in tokens
/// @param vocabulary number of token ids
/// @param pages pages of the cache of keys and values
/// @param maxRows most sequences in work at once
/// @param maxWaiting most jobs waiting
/// @param maxAdapters most different adapters in work at once
/// @param stepTokens most tokens a step, at least `maxRows + busyTokens`
/// @param busyTokens most tokens of prompts in a step in which an answer is being written, at least
///   `chunk`
/// @param chunk prompts are cut at multiples of this, whole pages
/// @param stepTimeout a step longer than this is fatal
/// @param maxFailures steps that fail one after another before the engine gives up
/// @param retryAfter what a caller who finds the queue full is told to wait
public record EngineSettings(
    String base,
    boolean repeatable,
    int context,
    int vocabulary,
    int pages,
    int maxRows,
    int maxWaiting,
    int maxAdapters,
    int stepTokens,
    int busyTokens,
    int chunk,
    Duration stepTimeout,
    int maxFailures,
    Duration retryAfter) {
  public EngineSettings {
    if (context < 2 || vocabulary < 1 || pages < 1 || maxRows < 1 || maxWaiting < 1) {
      throw new IllegalArgumentException(
          "context %d, vocabulary %d, pages %d, rows %d, waiting %d"
              .formatted(context, vocabulary, pages, maxRows, maxWaiting));
    }
    if (!stepTimeout.isPositive() || maxFailures < 1 || retryAfter.isNegative()) {
      throw new IllegalArgumentException(
          "step timeout %s, %d failures, retry after %s"
              .formatted(stepTimeout, maxFailures, retryAfter));
    }
  }

  /// Defaults: 64 rows of as many adapters, 1024 waiting, steps of at most 576 tokens and 30 s, of
  /// which 128 tokens of prompts while answers are written, in chunks of 128.
  public static EngineSettings of(
      String base, boolean repeatable, int context, int vocabulary, int pages) {
    return new EngineSettings(
        base,
        repeatable,
        context,
        vocabulary,
        pages,
        64,
        1024,
        64,
        576,
        128,
        128,
        Duration.ofSeconds(30),
        3,
        Duration.ofSeconds(1));
  }
}
