package dev.tributary.server.ledger;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.record.ErasureRecord;
import dev.tributary.record.Record;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Erases records, and records that they were erased.
///
/// What is to be erased is noted in a file first, which goes when all is done: keys first, then the
/// [ErasureRecord]s. So nothing that was begun is forgotten, and after an interruption a leaf may
/// get two such records, which say the same.
final class Erasures {
  /// Leaves that are erased together, bounded by what the log takes.
  static final int BATCH = 256;

  private static final int ATTEMPTS = 1_000;
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(20);

  /// Appends a record; see [Ledger#append].
  interface Appender {
    CompletableFuture<Long> append(Record record);
  }

  /// One batch.
  private record Batch(String tenant, String cause, List<Long> leaves) {
    Batch {
      if ((tenant + cause).chars().anyMatch(c -> c < ' ')) {
        throw new IllegalArgumentException("tenant and cause are one line each");
      }
    }

    String text() {
      StringBuilder text = new StringBuilder(tenant + "\n" + cause + "\n");
      leaves.forEach(leaf -> text.append(leaf).append('\n'));
      return text.toString();
    }

    static Batch parse(Path file, String text) {
      List<String> lines = text.lines().toList();
      if (lines.size() < 2 || !lines.stream().skip(2).allMatch(line -> line.matches("[0-9]+"))) {
        throw new LedgerRefused(file + " is not a list of leaves to erase");
      }
      List<Long> leaves = lines.stream().skip(2).map(Long::valueOf).toList();
      return new Batch(lines.get(0), lines.get(1), leaves);
    }
  }

  private final Disk disk;
  private final Path file;
  private final InstantSource time;

  @GuardedBy("this")
  private final SideStore side;

  Erasures(Disk disk, Path file, SideStore side, InstantSource time) {
    this.disk = disk;
    this.file = file;
    this.side = side;
    this.time = time;
  }

  /// Leaves without a record, or with one that is erased, are left out.
  synchronized void erase(Collection<Long> leaves, String tenant, String cause, Appender log)
      throws IOException {
    finish(log);
    List<Long> kept = new ArrayList<>();
    for (long leaf : leaves) {
      if (side.kept(leaf)) {
        kept.add(leaf);
      }
    }
    for (int at = 0; at < kept.size(); at += BATCH) {
      List<Long> some = kept.subList(at, Math.min(kept.size(), at + BATCH));
      Batch batch = new Batch(tenant, cause, some);
      WholeFile.replace(disk, file, batch.text());
      run(batch, log);
    }
  }

  /// Does what was begun and not finished.
  synchronized void finish(Appender log) throws IOException {
    Optional<String> begun = WholeFile.read(disk, file);
    if (begun.isPresent()) {
      run(Batch.parse(file, begun.get()), log);
    }
  }

  @GuardedBy("this")
  private void run(Batch batch, Appender log) throws IOException {
    eraseKeys(side, batch.leaves);
    List<Long> left = batch.leaves;
    for (int attempt = 0; !left.isEmpty(); attempt++) {
      if (attempt == ATTEMPTS) {
        throw new IOException("the ledger is too busy to record erasures; a later one does it");
      }
      left = append(batch, left, log);
    }
    // If it comes back after a loss of power, all is done again.
    disk.delete(file);
  }

  /// On another thread than the caller's: an interrupt in the middle of a write would close the
  /// file, which the log's writer needs, too.
  private static void eraseKeys(SideStore side, List<Long> leaves) throws IOException {
    try {
      CompletableFuture.runAsync(
              () -> {
                try {
                  side.erase(leaves);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              },
              Thread::startVirtualThread)
          .join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case UncheckedIOException failed -> throw failed.getCause();
        case RuntimeException failed -> throw failed;
        case Error failed -> throw failed;
        case null, default -> throw e;
      }
    }
  }

  /// @return the leaves whose records were not taken since the log is busy
  private List<Long> append(Batch batch, List<Long> leaves, Appender log) throws IOException {
    Instant now = time.instant();
    long micros = ChronoUnit.MICROS.between(Instant.EPOCH, now);
    List<CompletableFuture<Long>> appended = new ArrayList<>();
    for (long leaf : leaves) {
      ErasureRecord.Open open = new ErasureRecord.Open(Record.hour(micros), leaf);
      appended.add(log.append(new ErasureRecord(open, batch.tenant, batch.cause, micros)));
    }
    List<Long> refused = new ArrayList<>();
    for (int i = 0; i < appended.size(); i++) {
      try {
        appended.get(i).join();
      } catch (CompletionException e) {
        if (!(e.getCause() instanceof LedgerBusy)) {
          throw new IOException("erasures are not recorded yet: " + e.getCause(), e);
        }
        refused.add(leaves.get(i));
      }
    }
    if (!refused.isEmpty()) {
      LockSupport.parkNanos(PAUSE);
    }
    return refused;
  }
}
