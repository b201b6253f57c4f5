package dev.tributary.tlog;

/// A text or a key that is not of its format; the message says what is wrong and where.
public final class TlogException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public TlogException(String message) {
    super(message);
  }

  TlogException(String message, Throwable cause) {
    super(message, cause);
  }
}
