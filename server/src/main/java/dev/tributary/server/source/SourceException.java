package dev.tributary.server.source;

import java.io.IOException;
import java.nio.file.Path;

/// A model could not be had. The message says what was tried, why it failed and what to do.
public final class SourceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SourceException(String message) {
    super(message);
  }

  SourceException(String message, Throwable cause) {
    super(message, cause);
  }

  static SourceException unwritable(Path path, IOException cause) {
    return new SourceException(
        "cannot write "
            + path
            + ": "
            + reason(cause)
            + "; free some disk, or set TRIBUTARY_CACHE to a folder that has room",
        cause);
  }

  static String reason(Throwable cause) {
    String message = cause.getMessage();
    return message == null ? cause.getClass().getSimpleName() : message;
  }
}
