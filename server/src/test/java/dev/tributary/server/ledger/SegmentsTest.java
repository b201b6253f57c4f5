package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SegmentsTest {
  private static final Path FOLDER = Path.of("/segments");
  private static final Path FIRST = FOLDER.resolve("0000000000000000000.seg");
  private static final Layout LAYOUT = new Layout(200, 64, 1_000, 8, 4_000);

  /// Bytes of a frame of these tests.
  private static final int FRAME = Frame.HEADER + 10;

  private final FaultyDisk disk =
      new FaultyDisk(RandomGeneratorFactory.of("L64X128MixRandom").create(1));

  /// Batches of one, two and three leaves.
  @BeforeEach
  void fill() throws IOException {
    disk.makeFolder(FOLDER);
    try (Segments segments = new Segments(disk, FOLDER, LAYOUT)) {
      segments.scan(0, 0, (_, _) -> {});
      segments.settle(0, 0);
      for (int count = 1; count <= 3; count++) {
        append(segments, count);
      }
    }
  }

  private static void append(Segments segments, int count) throws IOException {
    List<byte[]> leaves = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      leaves.add(new byte[] {(byte) count, (byte) i, 2, 3, 4, 5, 6, 7, 8, 9});
    }
    segments.append(leaves);
  }

  private void damage(int frame) throws IOException {
    byte[] byteThere = disk.read(FIRST, (long) frame * FRAME + 12, 1);
    byteThere[0] ^= 1;
    disk.open(FIRST).write((long) frame * FRAME + 12, ByteBuffer.wrap(byteThere));
  }

  /// Leaves that are found.
  private long reopen() throws IOException {
    try (Segments segments = new Segments(disk, FOLDER, LAYOUT)) {
      segments.scan(0, 0, (_, _) -> {});
      segments.settle(0, 0);
      return segments.size();
    }
  }

  @Test
  void damageInTheLastBatch_isATornTail() throws IOException {
    for (int frame = 5; frame >= 3; frame--) {
      damage(frame);
      assertThat(reopen()).isEqualTo(frame);
    }
  }

  @Test
  void damageBefore_isNot() throws IOException {
    for (int frame : new int[] {0, 1, 2}) {
      damage(frame);
      byte[] before = disk.read(FIRST, 0, 1_000);
      assertThatThrownBy(this::reopen)
          .isInstanceOf(LedgerRefused.class)
          .hasMessageContaining("leaf " + frame + " cannot be read at byte " + frame * FRAME)
          .hasMessageContaining("says that it was durable");
      assertThat(disk.read(FIRST, 0, 1_000)).isEqualTo(before);
      damage(frame);
    }
    assertThat(reopen()).isEqualTo(6);
  }

  @Test
  void damageBeforeAnotherSegment_isNotATornTailEither() throws IOException {
    try (Segments segments = new Segments(disk, FOLDER, LAYOUT)) {
      segments.scan(0, 0, (_, _) -> {});
      segments.settle(0, 0);
      append(segments, 1);
      append(segments, 1);
      assertThat(segments.begins(7)).isTrue();
    }
    damage(6);
    assertThatThrownBy(this::reopen)
        .isInstanceOf(LedgerRefused.class)
        .hasMessageContaining("leaf 6 cannot be read though");
    disk.delete(FIRST);
    assertThatThrownBy(this::reopen)
        .isInstanceOf(LedgerRefused.class)
        .hasMessageContaining("leaf 0 cannot be read though");
  }
}
