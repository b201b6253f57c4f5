package dev.tributary.server.ledger;

import org.jspecify.annotations.Nullable;

/// The log could not be written and takes nothing more, until the server is started again.
public final class LedgerBroken extends RuntimeException {
  private static final long serialVersionUID = 1L;

  LedgerBroken(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
