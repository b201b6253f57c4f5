package dev.tributary.server.ledger;

/// What lies in the log's folder is not what the log once promised, or is not this log's: it is not
/// opened, and nothing is changed.
public final class LedgerRefused extends RuntimeException {
  private static final long serialVersionUID = 1L;

  LedgerRefused(String message) {
    super(message);
  }
}
