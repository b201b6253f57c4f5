package dev.tributary.server.metrics;

import java.util.Locale;

/// How a call ended, as its label and its log line say it.
public enum Outcome {
  /// A stop token.
  STOP,
  /// The most tokens asked for.
  LENGTH,
  STOP_SEQUENCE,
  TIME_LIMIT,
  /// A call that generates nothing, answered.
  DONE,
  /// Turned down before it started.
  REFUSED,
  /// Failed after it had started.
  ERROR,
  /// By the caller.
  CANCELLED;

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  boolean isAnswer() {
    return ordinal() <= DONE.ordinal();
  }
}
