package dev.tributary.server.rpc;

import dev.tributary.record.Record;
import dev.tributary.server.ledger.LedgerBusy;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Takes records: the ledger's side of [Recorder], or nobody's.
interface Journal {
  /// While the ledger is full.
  int ATTEMPTS = 1_000;

  long PAUSE = TimeUnit.MILLISECONDS.toNanos(20);

  /// Without a ledger: nothing is ever appended.
  Journal OFF =
      new Journal() {
        @Override
        public boolean isOn() {
          return false;
        }

        @Override
        public void checkOpen() {}

        @Override
        public CompletableFuture<Long> append(Record record) {
          throw new IllegalStateException("there is no ledger");
        }
      };

  boolean isOn();

  /// Throws the status of a ledger that takes no records now.
  void checkOpen();

  /// Completed with the leaf's index once record and leaf are durable.
  CompletableFuture<Long> append(Record record);

  /// Appends what may not be refused for want of room: while the ledger is full, it waits. Durable
  /// on return.
  ///
  /// @return the leaf's index
  default long appendPatiently(Record record) {
    for (int attempt = 0; ; attempt++) {
      try {
        return append(record).join();
      } catch (CompletionException e) {
        if (!(e.getCause() instanceof LedgerBusy) || attempt == ATTEMPTS) {
          throw e;
        }
        LockSupport.parkNanos(PAUSE);
      }
    }
  }
}
