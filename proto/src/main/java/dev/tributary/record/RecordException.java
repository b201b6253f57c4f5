package dev.tributary.record;

/// Bytes are no record, or values make none; the message says what is wrong, and where.
public final class RecordException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RecordException(String message) {
    super(message);
  }

  RecordException(String message, Throwable cause) {
    super(message, cause);
  }

  static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new RecordException(otherwise);
    }
  }
}
