package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.record.Kind;
import dev.tributary.record.Leaf;
import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// A log on a faulty disk and what the world was told of it. Everything runs on the test's thread,
/// so that a seed is a history.
final class World {
  private static final SecureRandom KEYS = new SecureRandom();
  private static final Path FOLDER = Path.of("/data/ledger");
  private static final Path ANCHOR = Path.of("/other/anchor");
  private static final Path SIDE = Path.of("/side/side");

  /// Small, so that each file has its borders often.
  private static final Layout LAYOUT = new Layout(700, 256, 40, 8, 400);

  /// @param leaf empty if the log makes it: a rotation
  private record Sent(byte[] leaf, byte @Nullable [] side) {}

  private final RandomGenerator random;
  private final Disk disk;

  /// What may never be lost.
  private final List<Sent> acknowledged = new ArrayList<>();

  private final List<Hash> hashes = new ArrayList<>();
  private final Deque<Sent> sent = new ArrayDeque<>();
  private final NavigableMap<Long, Note> seen = new TreeMap<>();

  private final List<CompletableFuture<Void>> told = new ArrayList<>();
  private int rotations;

  /// In force as far as the world was told.
  private SigningKey key = newKey();

  private Optional<SigningKey> nextKey = Optional.empty();

  World(RandomGenerator random, FaultyDisk faults, Disk disk) throws IOException {
    this.random = random;
    this.disk = disk;
    for (Path folder : List.of(FOLDER, ANCHOR, SIDE)) {
      faults.makeFolder(folder.resolveSibling(""));
    }
    disk.open(SIDE).close();
    faults.forceFolder(SIDE.resolveSibling(""));
    faults.forceFolder(Path.of("/"));
  }

  private static SigningKey newKey() {
    return SigningKey.generate("test.example/log", KEYS);
  }

  private LogSettings settings() {
    return new LogSettings(
        FOLDER, key, nextKey, Optional.of(ANCHOR), Optional.empty(), Duration.ZERO, 100);
  }

  /// Starts the log, compares it with what was told, and works until it ends well or not.
  void live(int steps) throws IOException {
    checkAnchor();
    try (Opening opening = Opening.of(settings(), disk, LAYOUT)) {
      SideSlots side = new SideSlots(disk, SIDE);
      Health health = new Health();
      Writer writer =
          new Writer(opening.store(), opening.signers(), side, LAYOUT, health, Runnable::run, 100);
      Publisher publisher =
          new Publisher(
              opening.store(),
              opening.checkpoints(),
              opening.signers(),
              opening.anchor(),
              health,
              Runnable::run);
      SigningKey before = key;
      key = opening.signers().last();
      // A rotation is done only if its leaf is there.
      assertThat(key == before || sent.stream().anyMatch(s -> s.leaf().length == 0)).isTrue();
      nextKey = Optional.empty();
      see(publisher.newest());
      checkAll(opening, side);
      for (int step = 0; step < steps && health.failure().isEmpty(); step++) {
        work(opening, writer, publisher);
      }
      if (health.failure().isPresent()) {
        assertThat(writer.append(List.of(new byte[1]), null)).isCompletedExceptionally();
      } else if (random.nextBoolean()) {
        opening.store().mark();
      }
    }
  }

  private void work(Opening opening, Writer writer, Publisher publisher) throws IOException {
    int count = random.nextInt(4);
    for (int i = 0; i < count; i++) {
      byte[] leaf = new byte[random.nextInt(10) == 0 ? random.nextInt(1, 900) : 1 + i];
      random.nextBytes(leaf);
      byte[] data = new byte[random.nextInt(1, SideSlots.MOST)];
      random.nextBytes(data);
      Sent next = new Sent(leaf, random.nextBoolean() ? data : null);
      sent.add(next);
      CompletableFuture<Long> index = writer.append(List.of(leaf), next.side());
      told.add(
          index.thenAccept(
              at -> {
                assertThat(at).isEqualTo(acknowledged.size());
                assertThat(sent.poll()).isSameAs(next);
                acknowledge(next);
              }));
    }
    boolean published = publisher.size() > opening.signers().since();
    if (published && !acknowledged.isEmpty() && random.nextInt(60) == 0) {
      rotate(writer, opening.store());
    }
    try {
      writer.doWork(0);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    checkTold();
    if (random.nextInt(3) == 0) {
      publisher.doWork();
      see(publisher.newest());
    }
  }

  /// All were answered; those that were acknowledged were so rightly.
  private void checkTold() {
    for (CompletableFuture<Void> answer : told) {
      if (answer.isCompletedExceptionally()
          && answer.exceptionNow() instanceof AssertionError wrong) {
        throw wrong;
      }
    }
    told.clear();
  }

  private void rotate(Writer writer, Store store) {
    SigningKey next = newKey();
    nextKey = Optional.of(next);
    Sent rotation = new Sent(new byte[0], null);
    sent.add(rotation);
    CompletableFuture<Long> index = writer.rotate(next);
    told.add(
        index.thenAccept(
            at -> {
              assertThat(sent.poll()).isSameAs(rotation);
              key = next;
              nextKey = Optional.empty();
              acknowledgeRotation(store, at);
            }));
  }

  private void acknowledgeRotation(Store store, long index) {
    try {
      byte[] leaf = store.leaf(index);
      assertThat(Leaf.decode(leaf).kind()).isEqualTo(Kind.KEY_ROTATION);
      acknowledge(new Sent(leaf, null));
      rotations++;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void acknowledge(Sent leaf) {
    acknowledged.add(leaf);
    hashes.add(Merkle.leaf(leaf.leaf()));
  }

  private void see(Note note) throws IOException {
    Checkpoint checkpoint = Checkpoint.parse(note.text());
    Note old = seen.putIfAbsent(checkpoint.size(), note);
    assertThat(old == null ? note : old).isEqualTo(note);
  }

  /// Before a start: the anchor has what was seen last, or something newer.
  private void checkAnchor() throws IOException {
    if (!seen.isEmpty()) {
      Note note = new Anchor(disk, ANCHOR).read().orElseThrow();
      Checkpoint anchored = Checkpoint.parse(note.text());
      assertThat(anchored.size()).isGreaterThanOrEqualTo(seen.lastKey());
    }
  }

  private void checkAll(Opening opening, SideSlots side) {
    try {
      check(opening, side);
    } catch (IOException e) {
      throw new AssertionError("what was written cannot be read", e);
    }
  }

  /// After a start. Reading never fails on this disk.
  private void check(Opening opening, SideSlots side) throws IOException {
    Store store = opening.store();
    for (int i = 0; i < acknowledged.size(); i++) {
      assertThat(i).isLessThan((int) store.size());
      check(store, side, i, acknowledged.get(i));
    }
    while (acknowledged.size() < store.size()) {
      Sent next = sent.poll();
      assertThat(next).as("a leaf that nobody sent").isNotNull();
      if (next.leaf().length == 0) {
        acknowledgeRotation(store, acknowledged.size());
      } else {
        check(store, side, acknowledged.size(), next);
        acknowledge(next);
      }
    }
    sent.clear();
    checkTree(store);
    for (Map.Entry<Long, Note> entry : seen.entrySet()) {
      assertThat(opening.checkpoints().from(entry.getKey())).contains(entry.getValue());
    }
    for (Note note : seen.tailMap(store.size() / 2).values()) {
      Checkpoint checkpoint = Checkpoint.parse(note.text());
      assertThat(store.root(checkpoint.size())).isEqualTo(checkpoint.root());
    }
  }

  private static void check(Store store, SideSlots side, int index, Sent expected)
      throws IOException {
    if (!Arrays.equals(store.leaf(index), expected.leaf())) {
      throw new AssertionError("leaf " + index + " is another");
    }
    byte[] data = expected.side();
    if (data != null && !Arrays.equals(side.read(index), data)) {
      throw new AssertionError("side data of leaf " + index + " are lost");
    }
  }

  private void checkTree(Store store) throws IOException {
    for (int i = 0; i < hashes.size(); i++) {
      byte[] stored = store.tile(0, i / 256, i % 256 + 1);
      if (i % 256 == 255 || i == hashes.size() - 1) {
        for (int j = i - i % 256; j <= i; j++) {
          int at = j % 256 * 32;
          assertThat(Hash.of(Arrays.copyOfRange(stored, at, at + 32))).isEqualTo(hashes.get(j));
        }
      }
    }
    int full = hashes.size() / 256;
    for (int tile = 0; tile < full; tile++) {
      assertThat(store.tile(1, 0, tile + 1))
          .endsWith(Merkle.root(hashes.subList(tile * 256, tile * 256 + 256)).bytes());
    }
  }

  int size() {
    return acknowledged.size();
  }

  int rotations() {
    return rotations;
  }
}
