package dev.tributary.server.ledger;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.SigningKey;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogTest {
  private static final SigningKey KEY = SigningKey.generate("test.example/log", new SecureRandom());
  private static final Layout SMALL = new Layout(8_192, 1_024, 300, 64, 4_096);

  @TempDir private Path folder;

  private Log open() throws IOException {
    return Log.open(LogSettings.of(folder.resolve("ledger"), KEY), new LocalDisk(), SMALL, null);
  }

  private static List<byte[]> leaves(int count, long seed) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    List<byte[]> leaves = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] leaf = new byte[random.nextInt(1, 200)];
      random.nextBytes(leaf);
      leaves.add(leaf);
    }
    return leaves;
  }

  private static void append(Log log, List<byte[]> leaves) {
    List<CompletableFuture<Long>> indices = new ArrayList<>();
    long first = log.durable();
    for (byte[] leaf : leaves) {
      indices.add(log.append(leaf, null));
    }
    for (int i = 0; i < leaves.size(); i++) {
      assertThat(indices.get(i).join()).isEqualTo(first + i);
    }
  }

  private static Checkpoint covering(Log log, long leaf) {
    Note note = log.covering(leaf).join();
    assertThat(note.signedBy(KEY.verifierKey())).isTrue();
    return Checkpoint.parse(note.text());
  }

  @Test
  void aNewLog_hasACheckpointOfNothing() throws IOException {
    try (Log log = open()) {
      assertThat(Checkpoint.parse(log.checkpoint().text()).size()).isZero();
      assertThat(log.durable()).isZero();
      assertThat(log.origin()).isEqualTo("test.example/log");
    }
  }

  @Test
  void leaves_areProvedAgainstCheckpointsAcrossRestarts() throws IOException {
    List<byte[]> all = new ArrayList<>();
    List<Checkpoint> seen = new ArrayList<>();
    for (int round = 0; round < 4; round++) {
      try (Log log = open()) {
        assertThat(log.durable()).isEqualTo(all.size());
        List<byte[]> more = leaves(397, round);
        append(log, more);
        all.addAll(more);
        seen.add(covering(log, all.size() - 1));
        check(log, all, seen);
      }
    }
  }

  private static void check(Log log, List<byte[]> all, List<Checkpoint> seen) {
    Checkpoint newest = seen.getLast();
    assertThat(newest.root()).isEqualTo(Merkle.root(all.stream().map(Merkle::leaf).toList()));
    for (int i = 0; i < all.size(); i++) {
      assertThat(log.leaf(i)).isEqualTo(all.get(i));
      List<Hash> proof = log.inclusion(i, newest.size());
      assertThat(Merkle.included(Merkle.leaf(all.get(i)), i, newest.size(), proof, newest.root()))
          .isTrue();
    }
    for (Checkpoint old : seen) {
      List<Hash> proof = log.consistency(old.size(), newest.size());
      assertThat(Merkle.consistent(old.size(), old.root(), newest.size(), newest.root(), proof))
          .isTrue();
      assertThat(log.checkpointOf(old.size()).orElseThrow().text()).isEqualTo(old.text());
    }
  }

  @Test
  void tilesAndBundles_areSlicesOfTheTree() throws IOException {
    List<byte[]> all = leaves(70_000, 7).stream().map(leaf -> new byte[] {leaf[0]}).toList();
    try (Log log =
        Log.open(
            new LogSettings(
                folder.resolve("ledger"),
                KEY,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Duration.ZERO,
                70_000))) {
      append(log, all);
      assertThat(covering(log, all.size() - 1).size()).isEqualTo(70_000);
      List<Hash> hashes = all.stream().map(Merkle::leaf).toList();
      assertThat(log.tile(0, 273, 112).orElseThrow()).isEqualTo(bytes(hashes, 273 * 256, 112));
      assertThat(log.tile(0, 5, 256).orElseThrow()).isEqualTo(bytes(hashes, 5 * 256, 256));
      assertThat(log.tile(1, 1, 17)).isPresent();
      byte[] top = log.tile(2, 0, 1).orElseThrow();
      assertThat(top).isEqualTo(Merkle.root(hashes.subList(0, 65_536)).bytes());
      assertThat(log.tile(2, 0, 2)).isEmpty();
      assertThat(log.tile(0, 273, 113)).isEmpty();
      assertThat(log.tile(3, 0, 1)).isEmpty();
      assertThat(log.tile(8, 0, 1)).isEmpty();
      assertThat(log.tile(0, Long.MAX_VALUE, 1)).isEmpty();
      ByteArrayOutputStream bundle = new ByteArrayOutputStream();
      all.subList(273 * 256, 70_000).forEach(leaf -> bundle.writeBytes(entry(leaf)));
      assertThat(log.bundle(273, 112).orElseThrow()).isEqualTo(bundle.toByteArray());
      assertThat(log.bundle(274, 1)).isEmpty();
    }
  }

  private static byte[] entry(byte[] leaf) {
    return ByteBuffer.allocate(2 + leaf.length).putShort((short) leaf.length).put(leaf).array();
  }

  private static byte[] bytes(List<Hash> hashes, int from, int count) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    hashes.subList(from, from + count).forEach(hash -> out.writeBytes(hash.bytes()));
    return out.toByteArray();
  }

  @Test
  void bundles_goOverTheBordersOfSegments() throws IOException {
    List<byte[]> all = leaves(600, 3);
    try (Log log = open()) {
      append(log, all);
      covering(log, 599);
      ByteArrayOutputStream bundle = new ByteArrayOutputStream();
      all.subList(256, 512).forEach(leaf -> bundle.writeBytes(entry(leaf)));
      assertThat(log.bundle(1, 256).orElseThrow()).isEqualTo(bundle.toByteArray());
    }
    try (var names = Files.list(folder.resolve("ledger/segments"))) {
      assertThat(names.count()).isGreaterThan(3);
    }
  }

  @Test
  void theLongestLeaf_isTaken() throws IOException {
    byte[] longest = new byte[Log.MAX_LEAF];
    try (Log log = open()) {
      append(log, List.of(longest, new byte[] {1}));
      assertThat(log.leaf(0)).isEqualTo(longest);
      assertThatThrownBy(() -> log.append(new byte[Log.MAX_LEAF + 1], null))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> log.append(new byte[0], null))
          .isInstanceOf(IllegalArgumentException.class);
    }
    try (Log log = open()) {
      assertThat(log.leaf(0)).isEqualTo(longest);
      assertThat(log.leaf(1)).containsExactly(1);
    }
  }

  @Test
  void leavesTogether_haveIndicesThatFollow() throws IOException {
    try (Log log = open()) {
      append(log, leaves(3, 1));
      assertThat(log.appendAll(leaves(5, 2), null).join()).isEqualTo(7);
    }
  }

  /// The file's last segment and where its zeros begin.
  private Path lastSegment() throws IOException {
    try (var names = Files.list(folder.resolve("ledger/segments"))) {
      return names.sorted().toList().getLast();
    }
  }

  @Test
  void aTornTail_isCutAtAFramesBorder() throws IOException {
    List<byte[]> all = leaves(20, 1);
    try (Log log = open()) {
      append(log, all);
      covering(log, 19);
    }
    long end = all.stream().mapToLong(leaf -> Frame.bytes(leaf)).sum();
    ByteBuffer torn = ByteBuffer.allocate(1_000);
    new Frame(20, 0, new byte[100]).put(torn);
    new Frame(21, 1, "beyond".getBytes(UTF_8)).put(torn);
    torn.put(50, (byte) 1);
    torn.flip();
    try (var file = FileChannel.open(lastSegment(), StandardOpenOption.WRITE)) {
      file.write(torn, end);
    }
    try (Log log = open()) {
      assertThat(log.durable()).isEqualTo(20);
      byte[] left = Files.readAllBytes(lastSegment());
      assertThat(Arrays.copyOfRange(left, (int) end, left.length)).containsOnly(0);
      byte[] other = new byte[100];
      append(log, List.of(other));
      assertThat(log.leaf(20)).isEqualTo(other);
    }
    try (Log log = open()) {
      assertThat(log.durable()).isEqualTo(21);
    }
  }

  @Test
  void damageToAcknowledgedLeaves_isNotTakenForATornTail() throws IOException {
    try (Log log = open()) {
      for (int i = 0; i < 20; i++) {
        append(log, leaves(1, i));
      }
    }
    Path segment = lastSegment();
    byte[] bytes = Files.readAllBytes(segment);
    bytes[Frame.HEADER + 3] ^= 1;
    Files.write(segment, bytes);
    Files.delete(folder.resolve("ledger/mark"));
    assertThatThrownBy(this::open)
        .isInstanceOf(LedgerRefused.class)
        .hasMessageContaining("it was rolled back");
  }

  @Test
  void damagedDerivedFiles_areMadeAnew() throws IOException {
    List<byte[]> all = leaves(1_000, 9);
    List<Checkpoint> seen = new ArrayList<>();
    try (Log log = open()) {
      append(log, all);
      seen.add(covering(log, 999));
    }
    for (String name : List.of("tree.0", "tree.1", "offsets", "mark")) {
      Files.delete(folder.resolve("ledger").resolve(name));
      try (Log log = open()) {
        check(log, all, seen);
      }
    }
    for (String name : List.of("tree.0", "tree.1", "offsets")) {
      Path file = folder.resolve("ledger").resolve(name);
      byte[] other = new byte[(int) Files.size(file)];
      Arrays.fill(other, (byte) 0xff);
      Files.write(file, other);
      try (Log log = open()) {
        check(log, all, seen);
      }
    }
  }

  @Test
  void missingFilesThatAreNotDerived_areNotMadeAnew() throws IOException {
    try (Log log = open()) {
      append(log, leaves(3, 1));
    }
    for (String name : List.of("keys", "checkpoints", "segments/0000000000000000000.seg")) {
      Path file = folder.resolve("ledger").resolve(name);
      byte[] bytes = Files.readAllBytes(file);
      Files.delete(file);
      assertThatThrownBy(this::open).isInstanceOf(LedgerRefused.class);
      Files.write(file, bytes);
    }
    open().close();
  }

  @Test
  void anotherKeyOrName_isRefused() throws IOException {
    open().close();
    for (String name : List.of("test.example/log", "other.example/log")) {
      SigningKey other = SigningKey.generate(name, new SecureRandom());
      assertThatThrownBy(() -> Log.open(LogSettings.of(folder.resolve("ledger"), other)))
          .isInstanceOf(LedgerRefused.class);
    }
    open().close();
  }

  @Test
  void aClosedLog_takesNothing() throws IOException {
    Log log = open();
    log.close();
    assertThat(log.append(new byte[1], null)).isCompletedExceptionally();
  }

  @Test
  void anInterruptedReader_harmsNobodyElse() throws Exception {
    try (Log log = open()) {
      append(log, leaves(10, 1));
      Thread reader =
          Thread.ofPlatform()
              .start(
                  () -> {
                    Thread.currentThread().interrupt();
                    try {
                      log.leaf(3);
                    } catch (UncheckedIOException e) {
                      // The JDK closes the channel of an interrupted reader: its own only.
                    }
                  });
      reader.join();
      assertThat(log.leaf(3)).isEqualTo(leaves(10, 1).get(3));
      append(log, leaves(1, 2));
    }
  }
}
