package dev.tributary.server.rpc;

import dev.tributary.record.EndReason;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.StartedRecord;
import dev.tributary.server.accounts.OpenGeneration;
import dev.tributary.server.ledger.Ledger;
import java.time.InstantSource;
import java.util.List;

/// Ends the generations that the server's last process left open, and attributes those that it did
/// not come to. What they had brought forth is not known, so nothing is charged.
final class Interrupted {
  private static final int BATCH = 256;

  private Interrupted() {}

  /// Durable on return; to be called before the first generation.
  ///
  /// @return how many
  static int close(Books books, InstantSource time) {
    books.follow();
    List<OpenGeneration> open = books.accounts().open();
    for (OpenGeneration each : open) {
      close(each, books.ledger(), Recorder.micros(time.instant()));
    }
    attribute(books, time);
    return open.size();
  }

  /// Answers whose attribution the end of the process prevented.
  private static void attribute(Books books, InstantSource time) {
    books.follow();
    List<Long> leaves = books.accounts().unattributed(BATCH);
    while (!leaves.isEmpty()) {
      for (long leaf : leaves) {
        boolean baseOnly =
            books
                .ledger()
                .record(leaf)
                .map(GenerationRecord::of)
                .map(GenerationRecord::adapters)
                .filter(List::isEmpty)
                .isPresent();
        var unused =
            books
                .ledger()
                .append(
                    AttributionWriter.unattributed(leaf, baseOnly, Recorder.micros(time.instant())))
                .join();
      }
      books.follow();
      leaves = books.accounts().unattributed(BATCH);
    }
  }

  private static void close(OpenGeneration open, Ledger ledger, long now) {
    List<dev.tributary.record.AdapterUse> adapters =
        ledger
            .record(open.leaf())
            .map(StartedRecord::of)
            .map(StartedRecord::adapters)
            .orElse(List.of());
    var unused =
        ledger
            .append(
                new GenerationRecord(
                    open.id(),
                    open.leaf(),
                    open.tenant(),
                    null,
                    adapters,
                    null,
                    List.of(),
                    List.of(),
                    new GenerationRecord.Usage(0, 0, 0),
                    EndReason.INTERRUPTED,
                    "",
                    List.of(),
                    -1,
                    null,
                    false,
                    false,
                    open.startMicros(),
                    now))
            .join();
  }
}
