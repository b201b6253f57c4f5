package dev.tributary.server.rpc;

import dev.tributary.record.Record;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.metrics.Metrics;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/// Writes records to the ledger, and measures how long that takes.
///
/// @param clock nanoseconds, as [System#nanoTime]
record LedgerJournal(Ledger ledger, Metrics metrics, LongSupplier clock) implements Journal {
  @Override
  public boolean isOn() {
    return true;
  }

  @Override
  public void checkOpen() {
    ledger
        .log()
        .broken()
        .ifPresent(
            broken -> {
              throw broken;
            });
  }

  @Override
  public CompletableFuture<Long> append(Record record) {
    long start = clock.getAsLong();
    CompletableFuture<Long> durable = ledger.append(record);
    return durable.whenComplete(
        (index, failure) -> {
          if (failure == null) {
            metrics.recorded(record.kind().word(), Duration.ofNanos(clock.getAsLong() - start));
          }
        });
  }
}
