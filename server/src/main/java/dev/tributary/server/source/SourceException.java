package dev.tributary.server.source;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// A model's files could not be had; the message says what was tried and what to do.
public final class SourceException extends IOException {
  private static final long serialVersionUID = 1L;

  SourceException(String message) {
    this(message, null);
  }

  SourceException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
