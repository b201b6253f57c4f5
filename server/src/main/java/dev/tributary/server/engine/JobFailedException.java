package dev.tributary.server.engine;

/// How a future of [Engine] fails.
public final class JobFailedException extends RuntimeException {
  private final transient Failure failure;

  JobFailedException(Failure failure) {
    super(failure.toString(), failure instanceof Failure.Internal(Throwable cause) ? cause : null);
    this.failure = failure;
  }

  public Failure failure() {
    return failure;
  }
}
