package dev.tributary.server.train;

/// How far the training of a run came.
sealed interface RunEnd {
  /// There is an adapter, to be published.
  record Adapter(Outcome.Trained trained) implements RunEnd {}

  /// There is an audit set.
  record AuditSet() implements RunEnd {}

  /// Its numbers left the finite.
  record Diverged(String why) implements RunEnd {}

  /// It was told to stop, and can be gone on with.
  record Stopped() implements RunEnd {}
}
