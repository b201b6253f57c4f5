package dev.tributary.identity;

/// A safetensors file is malformed; the message starts with the byte offset in the file.
public final class SafetensorsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long offset;

  SafetensorsException(long offset, String reason) {
    super("byte " + offset + ": " + reason);
    this.offset = offset;
  }

  SafetensorsException(long offset, String reason, Throwable cause) {
    super("byte " + offset + ": " + reason, cause);
    this.offset = offset;
  }

  /// Byte offset in the file of what is wrong.
  public long offset() {
    return offset;
  }
}
