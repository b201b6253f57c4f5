package dev.tributary.server.engine;

import java.time.Duration;

/// Bounds of the engine.
///
/// @param context longest sequence of the model, in tokens
/// @param vocabulary number of token ids
/// @param pages pages of the cache of keys and values
/// @param maxRows most sequences in work at once
/// @param maxWaiting most jobs waiting
/// @param stepTokens most tokens a step, at least `maxRows + chunk`
/// @param chunk prompts are cut at multiples of this
/// @param stepTimeout a step longer than this is fatal
/// @param maxFailures steps that fail one after another before the engine gives up
/// @param retryAfter what a caller who finds the queue full is told to wait
public record EngineSettings(
    int context,
    int vocabulary,
    int pages,
    int maxRows,
    int maxWaiting,
    int stepTokens,
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
    if (chunk < 1 || stepTokens < maxRows + chunk) {
      throw new IllegalArgumentException(
          "step of %d tokens, chunk of %d, %d rows".formatted(stepTokens, chunk, maxRows));
    }
    if (!stepTimeout.isPositive() || maxFailures < 1 || retryAfter.isNegative()) {
      throw new IllegalArgumentException(
          "step timeout %s, %d failures, retry after %s"
              .formatted(stepTimeout, maxFailures, retryAfter));
    }
  }

  /// Defaults: 64 rows, 1024 waiting, chunks of 256, steps of 576 tokens and at most 30 s.
  public static EngineSettings of(int context, int vocabulary, int pages) {
    return new EngineSettings(
        context,
        vocabulary,
        pages,
        64,
        1024,
        576,
        256,
        Duration.ofSeconds(30),
        3,
        Duration.ofSeconds(1));
  }
}
