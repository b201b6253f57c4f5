package dev.tributary.server.ledger;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/// Whether the log still takes leaves. Once broken, it stays so.
final class Health {
  private final CompletableFuture<LedgerBroken> broken = new CompletableFuture<>();

  /// The first failure counts.
  LedgerBroken fail(String what, Throwable cause) {
    LedgerBroken failure = new LedgerBroken(what + ": " + cause, cause);
    broken.complete(failure);
    return broken.getNow(failure);
  }

  Optional<LedgerBroken> failure() {
    return Optional.ofNullable(broken.getNow(null));
  }

  CompletableFuture<LedgerBroken> whenBroken() {
    return broken.copy();
  }
}
