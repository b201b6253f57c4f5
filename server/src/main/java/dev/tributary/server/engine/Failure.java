package dev.tributary.server.engine;

/// Why a job that was taken has no answer.
public sealed interface Failure {
  /// [Ticket#cancel] was called.
  record Cancelled() implements Failure {}

  /// The job's deadline has passed.
  record DeadlineExceeded() implements Failure {}

  /// The engine was drained before the job was done.
  record Draining() implements Failure {}

  /// A bug or a broken device.
  record Internal(Throwable cause) implements Failure {}
}
