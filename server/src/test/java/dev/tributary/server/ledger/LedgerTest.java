package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.record.AttributionRecord;
import dev.tributary.record.ErasureRecord;
import dev.tributary.record.Kind;
import dev.tributary.record.Leaf;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Record;
import dev.tributary.record.Sealed;
import dev.tributary.record.Shares;
import dev.tributary.record.StartedRecord;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerTest {
  private static final SigningKey KEY = SigningKey.generate("test.example/log", new SecureRandom());
  private static final InstantSource TIME =
      InstantSource.fixed(Instant.parse("2026-03-01T10:20:30.123456Z"));

  @TempDir private Path folder;

  private Ledger open() throws IOException {
    return Ledger.open(LogSettings.of(folder.resolve("ledger"), KEY), TIME);
  }

  private static StartedRecord started(int id) {
    return new StartedRecord("g" + id, "acme", List.of(), 1_000_000L + id);
  }

  private static AttributionRecord attribution(int shares) {
    return new AttributionRecord(
        new AttributionRecord.Open(
            3,
            0,
            "test-1",
            new Shares(
                IntStream.range(0, shares)
                    .mapToObj(i -> new Shares.Share(new Pseudonym(1, i), 1))
                    .toList(),
                0,
                Shares.WHOLE - shares)),
        IntStream.range(0, shares).mapToObj(i -> "contributor " + i).toList(),
        List.of(),
        new byte[0]);
  }

  private static List<Long> append(Ledger ledger, List<? extends Record> records) {
    List<CompletableFuture<Long>> appended = records.stream().map(ledger::append).toList();
    return appended.stream().map(CompletableFuture::join).toList();
  }

  @Test
  void record_isWhatWasAppendedAlsoWhenOpenedAgain() throws IOException {
    List<StartedRecord> records = IntStream.range(0, 700).mapToObj(LedgerTest::started).toList();
    try (Ledger ledger = open()) {
      assertThat(append(ledger, records)).isEqualTo(LongStream.range(0, 700).boxed().toList());
      check(ledger, records);
    }
    try (Ledger ledger = open()) {
      check(ledger, records);
    }
  }

  private static void check(Ledger ledger, List<StartedRecord> records) {
    List<Entry> entries = new ArrayList<>();
    while (entries.size() < ledger.log().durable()) {
      entries.addAll(ledger.entries(entries.size(), 1_000));
    }
    for (int i = 0; i < records.size(); i++) {
      Sealed sealed = ledger.record(i).orElseThrow();
      sealed.check();
      assertThat(sealed.leaf().encode()).isEqualTo(ledger.log().leaf(i));
      assertThat(entries.get(i).record()).contains(records.get(i));
      assertThat(entries.get(i)).isEqualTo(ledger.entry(i));
    }
    assertThat(ledger.entries(records.size(), 10)).isEmpty();
  }

  @Test
  void record_ofSeveralLeavesIsOneEntry() throws IOException {
    try (Ledger ledger = open()) {
      append(ledger, List.of(started(0)));
      AttributionRecord record = attribution(9_000);
      long leaf = ledger.append(record).join();
      Entry entry = ledger.entry(leaf);
      assertThat(entry.leaves()).hasSize((int) leaf);
      assertThat(entry.record()).contains(record);
      for (long before = 1; before < leaf; before++) {
        assertThat(ledger.entry(before).kind()).isEqualTo(Kind.CONTINUATION);
        assertThat(ledger.entry(before).record()).isEmpty();
      }
      ledger.erase(List.of(leaf), "acme", "request");
      Entry erased = ledger.entry(leaf);
      assertThat(erased.record()).isEmpty();
      assertThat(erased.leaves()).isEqualTo(entry.leaves());
      assertThat(AttributionRecord.Open.of(erased.leaves())).isEqualTo(record.open());
    }
  }

  @Test
  void erase_leavesTheLeafAndRecordsIt() throws IOException {
    try (Ledger ledger = open()) {
      append(ledger, List.of(started(0), started(1), started(2)));
      byte[] leaf = ledger.log().leaf(1);
      ledger.erase(List.of(1L), "acme", "request");
      assertThat(ledger.record(1)).isEmpty();
      assertThat(ledger.erased(1)).isTrue();
      assertThat(ledger.erased(0)).isFalse();
      assertThat(ledger.log().leaf(1)).isEqualTo(leaf);
      assertThat(ledger.entry(1).leaf()).isEqualTo(Leaf.decode(leaf));
      assertThat(ledger.log().durable()).isEqualTo(4);
      assertThat(ledger.entry(3).record())
          .contains(
              new ErasureRecord(
                  new ErasureRecord.Open(Record.hour(micros()), 1), "acme", "request", micros()));
      ledger.erase(List.of(1L), "acme", "request");
      assertThat(ledger.log().durable()).as("nothing was left to erase").isEqualTo(4);
    }
    try (Ledger ledger = open()) {
      assertThat(ledger.record(0)).isPresent();
      assertThat(ledger.record(1)).isEmpty();
      assertThat(ledger.log().durable()).isEqualTo(4);
    }
  }

  private static long micros() {
    return TIME.instant().getEpochSecond() * 1_000_000 + 123_456;
  }

  @Test
  void erase_ofManyRecordsEach() throws IOException {
    try (Ledger ledger = open()) {
      append(ledger, IntStream.range(0, 600).mapToObj(LedgerTest::started).toList());
      ledger.erase(LongStream.range(0, 599).boxed().toList(), "acme", "retention");
      List<Long> erased = new ArrayList<>();
      for (long leaf = 600; leaf < ledger.log().durable(); leaf++) {
        erased.add(ErasureRecord.Open.of(ledger.entry(leaf).leaves()).erasedLeaf());
      }
      assertThat(erased).isEqualTo(LongStream.range(0, 599).boxed().toList());
      assertThat(ledger.record(599)).isPresent();
    }
  }

  @Test
  void open_finishesErasuresThatWereBegun() throws IOException {
    try (Ledger ledger = open()) {
      append(ledger, List.of(started(0), started(1)));
    }
    Path begun = folder.resolve("ledger/side/erasing");
    Files.writeString(begun, "acme\nrequest\n1\n");
    try (Ledger ledger = open()) {
      assertThat(ledger.record(1)).isEmpty();
      assertThat(ledger.record(0)).isPresent();
      assertThat(ErasureRecord.Open.of(ledger.entry(2).leaves()).erasedLeaf()).isEqualTo(1);
      assertThat(begun).doesNotExist();
    }
  }

  @Test
  void erase_refusesWhatIsNoLine() throws IOException {
    try (Ledger ledger = open()) {
      append(ledger, List.of(started(0)));
      assertThatThrownBy(() -> ledger.erase(List.of(0L), "acme\n1", "request"))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(ledger.record(0)).isPresent();
    }
  }

  private FsckReport fsck() throws IOException {
    return Fsck.run(folder.resolve("ledger"), Optional.empty());
  }

  @Test
  void fsck_comparesLeavesWithTheirRecords() throws IOException {
    try (Ledger ledger = open()) {
      append(ledger, List.of(started(0), started(1), attribution(9_000), started(2)));
      ledger.erase(List.of(0L), "acme", "request");
    }
    assertThat(fsck().problems()).isEmpty();
    Path keys = folder.resolve("ledger/side/keys");
    byte[] slots = Files.readAllBytes(keys);
    for (int leaf = 0; leaf < 2; leaf++) {
      byte[] changed = slots.clone();
      changed[leaf * SideKeys.SLOT_BYTES + 40] ^= 1;
      Files.write(keys, changed);
      assertThat(fsck().problems()).singleElement().asString().contains("the slot of leaf " + leaf);
    }
    byte[] changed = slots.clone();
    Arrays.fill(changed, SideKeys.SLOT_BYTES, 2 * SideKeys.SLOT_BYTES, (byte) 0);
    Files.write(keys, changed);
    assertThat(fsck().problems())
        .containsExactly("leaf 1 has no record beside the log, and it is not erased");
    System.arraycopy(slots, 0, changed, 0, slots.length);
    changed[SideKeys.SLOT_BYTES] ^= 1;
    Files.write(keys, changed);
    assertThat(fsck().problems())
        .containsExactly("the record of leaf 1 is damaged, or another leaf's");
    Files.write(keys, slots);
    assertThat(fsck().sound()).isTrue();
    Path records = folder.resolve("ledger/side/0000000000.side");
    byte[] bytes = Files.readAllBytes(records);
    bytes[0] ^= 1; // of the one that is erased
    Files.write(records, bytes);
    assertThat(fsck().sound()).isTrue();
    Files.delete(records);
    assertThat(fsck().problems())
        .hasSize(3 + 1)
        .allSatisfy(problem -> assertThat(problem).endsWith("its segment is missing"));
  }

  @Test
  void whenAppended_isTold() throws IOException {
    try (Ledger ledger = open()) {
      CompletableFuture<Optional<Sealed>> seen = new CompletableFuture<>();
      ledger.whenAppended(() -> seen.complete(ledger.record(0)));
      append(ledger, List.of(started(0)));
      assertThat(seen.join()).isPresent();
    }
  }
}
