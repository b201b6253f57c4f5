package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

class FsckTest {
  private static final Path FOLDER = Path.of("/data/ledger");
  private static final Path ANCHOR = Path.of("/data/anchor");
  private static final Layout LAYOUT = new Layout(400, 64, 5, 3, 4_000);

  private final FaultyDisk disk =
      new FaultyDisk(RandomGeneratorFactory.of("L64X128MixRandom").create(1));
  private SigningKey key = SigningKey.generate("test.example/log", new SecureRandom());

  private Log open() throws IOException {
    return open(Duration.ZERO);
  }

  private Log open(Duration publishEvery) throws IOException {
    disk.makeFolder(FOLDER);
    return Log.open(
        new LogSettings(
            FOLDER, key, Optional.empty(), Optional.of(ANCHOR), Optional.empty(), publishEvery, 9),
        disk,
        LAYOUT,
        null);
  }

  /// Closed, so that all is marked.
  private void fill(int leaves) throws IOException {
    try (Log log = open()) {
      for (int i = 0; i < leaves; i++) {
        log.append(new byte[] {1, (byte) i, (byte) (i >> 8)}, null).join();
        log.covering(i).join();
      }
    }
  }

  private FsckReport fsck() throws IOException {
    return Fsck.run(FOLDER, Optional.of(ANCHOR), disk);
  }

  private void flip(Path file, long at) throws IOException {
    byte[] one = disk.read(file, at, 1);
    one[0] ^= 0x10;
    disk.open(file).write(at, ByteBuffer.wrap(one));
  }

  @Test
  void aSoundLog_isSound() throws IOException {
    fill(300);
    FsckReport report = fsck();
    assertThat(report.problems()).isEmpty();
    assertThat(report.sound()).isTrue();
    assertThat(report.leaves()).isEqualTo(300);
    assertThat(report.checkpoints()).isEqualTo(301);
    assertThat(report.notes()).isEmpty();
  }

  @Test
  void rotations_areCompared() throws IOException {
    fill(5);
    SigningKey next = SigningKey.generate("test.example/log", new SecureRandom());
    try (Log log = open()) {
      assertThat(log.rotate(next).join()).isEqualTo(5);
    }
    key = next;
    fill(3);
    assertThat(fsck().problems()).isEmpty();
    LogKeys keys = LogKeys.read(disk, FOLDER).orElseThrow();
    new LogKeys(keys.keys().subList(0, 1)).write(disk, FOLDER);
    assertThat(fsck().problems())
        .anyMatch(problem -> problem.contains("leaf 5 announces another key"))
        .anyMatch(problem -> problem.contains("is not signed by the key of its size"));
  }

  @Test
  void everyFlippedByte_isReported() throws IOException {
    try (Log log = open(Duration.ofHours(1))) {
      for (int i = 0; i < 9; i++) {
        log.append(new byte[40], null).join();
      }
    }
    Map<String, Long> used =
        Map.of(
            "segments/0000000000000000000.seg", 7 * 60L,
            "segments/0000000000000000007.seg", 2 * 60L,
            "checkpoints", 3 * 112L,
            "offsets", 9 * 4L,
            "tree.0", 9 * 32L,
            "keys", disk.size(FOLDER.resolve("keys")));
    for (String name : used.keySet()) {
      Path file = FOLDER.resolve(name);
      long size = used.get(name);
      for (long at = 0; at < size; at++) {
        flip(file, at);
        assertThat(isReported()).as(name + " at " + at).isTrue();
        flip(file, at);
      }
    }
    assertThat(fsck().sound()).isTrue();
  }

  private boolean isReported() throws IOException {
    try {
      FsckReport report = fsck();
      return !report.sound() || !report.notes().isEmpty();
    } catch (LedgerRefused e) {
      return true;
    }
  }

  @Test
  void aDamagedLeaf_isNamedAndTheRestCompared() throws IOException {
    fill(15);
    flip(FOLDER.resolve("segments/0000000000000000000.seg"), 3 * 23L + Frame.HEADER);
    FsckReport report = fsck();
    assertThat(report.problems())
        .containsExactly(
            "leaf 3 cannot be read at byte 69 of /data/ledger/segments/0000000000000000000.seg");
    assertThat(report.leaves()).isEqualTo(15);
  }

  @Test
  void rollbackAndMissingLeaves_areReported() throws IOException {
    fill(15);
    disk.delete(ANCHOR);
    FaultyDisk other = new FaultyDisk(RandomGeneratorFactory.of("L64X128MixRandom").create(1));
    other.makeFolder(FOLDER);
    assertThatThrownBy(() -> Fsck.run(FOLDER, Optional.empty(), other))
        .isInstanceOf(LedgerRefused.class);
    disk.delete(FOLDER.resolve("segments/0000000000000000000.seg"));
    assertThat(fsck().problems())
        .contains("15 leaves were durable once, and only 0 can be read")
        .contains("15 checkpoints are of more leaves than the 0 that can be read");
  }
}
