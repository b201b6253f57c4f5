package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.record.ErasureRecord;
import dev.tributary.record.Record;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// A side store on a faulty disk beside a log that is only a list, and what the world was told.
/// Everything runs on the test's thread, so that a seed is a history.
final class SideWorld {
  private static final Path PARENT = Path.of("/data/ledger");
  private static final Path FOLDER = PARENT.resolve("side");
  private static final InstantSource TIME = InstantSource.fixed(Instant.EPOCH);

  /// Small, so that each file has its borders often.
  private static final SideLimits LIMITS = new SideLimits(400, 128, 300);

  /// A leaf that is durable.
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Durable(byte[] leaf, @Nullable String record) {}

  private final RandomGenerator random;
  private final Disk disk;
  private final List<Durable> log = new ArrayList<>();

  /// What may never be read again.
  private final Set<Long> erased = new HashSet<>();

  /// What is to be erased, but nobody was told that it is.
  private final Set<Long> erasing = new HashSet<>();

  /// Whose erasure is in the log.
  private final Set<Long> recorded = new HashSet<>();

  SideWorld(RandomGenerator random, FaultyDisk faults, Disk disk) throws IOException {
    this.random = random;
    this.disk = disk;
    faults.makeFolder(PARENT);
    faults.forceFolder(Path.of("/data"));
    faults.forceFolder(Path.of("/"));
  }

  int size() {
    return log.size();
  }

  int erased() {
    return erased.size();
  }

  /// Starts the store, compares it with what was told, and works until it ends well or not.
  void live(int steps) throws IOException {
    try (SideStore store = SideStore.open(disk, FOLDER, LIMITS, log.size())) {
      Erasures erasures = new Erasures(disk, FOLDER.resolve("erasing"), store, TIME);
      erasures.finish(record -> append(store, record));
      checkAll(store);
      for (int step = 0; step < steps; step++) {
        if (random.nextInt(4) == 0) {
          erase(erasures, store);
        } else {
          write(store);
        }
      }
    }
  }

  /// A batch, of which the log may lose the end, or all.
  private void write(SideStore store) throws IOException {
    List<Durable> batch = new ArrayList<>();
    boolean force = false;
    for (int i = random.nextInt(1, 5); i > 0; i--) {
      byte[] leaf = new byte[8];
      random.nextBytes(leaf);
      String record = random.nextInt(3) == 0 ? null : "x".repeat(random.nextInt(120));
      if (record != null) {
        byte[] sealed = SideStore.seal(record.getBytes(StandardCharsets.UTF_8), leaf);
        store.write(log.size() + batch.size(), sealed);
        force = true;
      }
      batch.add(new Durable(leaf, record));
    }
    if (force) {
      store.force();
    }
    int kept = random.nextInt(8) == 0 ? random.nextInt(batch.size()) : batch.size();
    log.addAll(batch.subList(0, kept));
    if (kept < batch.size()) {
      throw new FaultyDisk.Ended();
    }
  }

  private void erase(Erasures erasures, SideStore store) throws IOException {
    if (log.isEmpty()) {
      return;
    }
    // Mostly old ones, so that whole segments go.
    Set<Long> some = new HashSet<>();
    long from = random.nextInt(log.size());
    for (long leaf = from; leaf < Math.min(log.size(), from + random.nextInt(1, 12)); leaf++) {
      if (log.get((int) leaf).record() != null) {
        some.add(leaf);
      }
    }
    erasing.addAll(some);
    erasures.erase(some, "acme", "test", record -> append(store, record));
    erased.addAll(some);
    erasing.removeAll(some);
  }

  private CompletableFuture<Long> append(SideStore store, Record record) {
    try {
      byte[] leaf = new byte[8];
      random.nextBytes(leaf);
      long index = log.size();
      store.write(index, SideStore.seal("erasure".getBytes(StandardCharsets.UTF_8), leaf));
      store.force();
      log.add(new Durable(leaf, "erasure"));
      recorded.add(((ErasureRecord) record).open().erasedLeaf());
      return CompletableFuture.completedFuture(index);
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private void checkAll(SideStore store) {
    try {
      List<byte[]> leaves = log.stream().map(Durable::leaf).toList();
      List<Optional<byte[]>> all = store.read(0, leaves);
      for (long i = 0; i < log.size(); i++) {
        check(store, i, all.get((int) i));
      }
    } catch (IOException e) {
      throw new AssertionError("what was written cannot be read", e);
    }
    erasing.clear();
  }

  /// After a start. Reading never fails on this disk.
  private void check(SideStore store, long index, Optional<byte[]> read) throws IOException {
    String record = log.get((int) index).record();
    boolean gone = store.erased(index);
    assertThat(gone || !erased.contains(index)).as("leaf %d is back", index).isTrue();
    if (gone) {
      assertThat(erased.contains(index) || erasing.contains(index))
          .as("leaf %d is gone", index)
          .isTrue();
      assertThat(recorded).contains(index);
      erased.add(index);
    }
    assertThat(read.map(bytes -> new String(bytes, StandardCharsets.UTF_8)))
        .as("leaf %d", index)
        .isEqualTo(gone ? Optional.empty() : Optional.ofNullable(record));
  }
}
