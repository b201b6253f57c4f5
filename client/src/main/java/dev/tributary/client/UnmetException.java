package dev.tributary.client;

/// What was asked does not hold, although no call failed; the message says why and what to do.
public final class UnmetException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public UnmetException(String message) {
    super(message);
  }
}
