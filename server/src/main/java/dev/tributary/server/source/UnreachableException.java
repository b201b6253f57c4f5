package dev.tributary.server.source;

import java.io.IOException;

/// What is fetched for a tenant cannot be had now; another attempt may succeed. Says why.
public final class UnreachableException extends IOException {
  private static final long serialVersionUID = 1L;

  UnreachableException(String message) {
    super(message);
  }

  UnreachableException(String message, Throwable cause) {
    super(message, cause);
  }
}
