package dev.tributary.server.ledger;

/// As many leaves wait as may: try again a little later.
public final class LedgerBusy extends RuntimeException {
  private static final long serialVersionUID = 1L;

  LedgerBusy(int waiting) {
    super("the ledger has " + waiting + " leaves to write already");
  }
}
