package dev.tributary.record;

/// How a generation ended. Their order is that of the codes in a record.
public enum EndReason {
  /// By a token that ends answers.
  STOP,

  /// All the tokens that were asked for.
  LENGTH,

  /// By a string that the caller named.
  STOP_SEQUENCE,

  /// By the request's time limit.
  TIME_LIMIT,

  CANCELLED,

  /// By the call's deadline.
  DEADLINE,

  /// The caller's connection went, or did not take what was sent.
  DISCONNECTED,

  /// By an error of the server.
  FAILED,

  /// By the end of the server's process; found open at its next start.
  INTERRUPTED
}
