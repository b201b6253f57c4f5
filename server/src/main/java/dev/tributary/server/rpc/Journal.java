package dev.tributary.server.rpc;

import dev.tributary.record.Record;
import java.util.concurrent.CompletableFuture;

/// Takes records: the ledger's side of [Recorder], or nobody's.
interface Journal {
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
}
