package dev.tributary.server.ledger;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SideStoreTest {
  /// A few records to a file.
  private static final SideLimits SMALL = new SideLimits(512, 128, 256);

  @TempDir private Path temporary;

  private final Disk disk = new LocalDisk();

  private Path folder() {
    return temporary.resolve("side");
  }

  private SideStore open(long leaves) throws IOException {
    return SideStore.open(disk, folder(), SMALL, leaves);
  }

  private static byte[] leaf(long index) {
    return ("leaf " + index).getBytes(UTF_8);
  }

  private static void write(SideStore store, long index, String record) throws IOException {
    store.write(index, SideStore.seal(record.getBytes(UTF_8), leaf(index)));
  }

  private static Optional<String> read(SideStore store, long index) throws IOException {
    return store.read(index, leaf(index)).map(bytes -> new String(bytes, UTF_8));
  }

  /// Of 1 to some 200 bytes.
  private static String record(Random random, long index) {
    return index + "x".repeat(random.nextInt(200));
  }

  @Test
  void read_givesWhatWasWrittenAlsoWhenOpenedAgain() throws IOException {
    Random random = new Random(1);
    Map<Long, String> written = new HashMap<>();
    long leaves = 0;
    for (int round = 0; round < 5; round++) {
      try (SideStore store = open(leaves)) {
        for (int i = 0; i < 60; i++, leaves++) {
          if (random.nextInt(4) > 0) {
            written.put(leaves, record(random, leaves));
            write(store, leaves, written.get(leaves));
          }
        }
        store.force();
        for (long index = 0; index < leaves; index++) {
          assertThat(read(store, index)).isEqualTo(Optional.ofNullable(written.get(index)));
        }
      }
    }
    assertThat(segments()).hasSizeGreaterThan(10);
  }

  @Test
  void read_givesManyAsOneByOne() throws IOException {
    Random random = new Random(2);
    try (SideStore store = open(0)) {
      for (long index = 0; index < 200; index++) {
        if (random.nextInt(5) > 0) {
          write(store, index, record(random, index));
        }
      }
      store.force();
      store.erase(random.longs(30, 0, 200).boxed().toList());
      List<byte[]> leaves = LongStream.range(20, 200).mapToObj(SideStoreTest::leaf).toList();
      List<Optional<String>> one = new ArrayList<>();
      for (long index = 20; index < 200; index++) {
        one.add(read(store, index));
      }
      assertThat(store.read(20, leaves).stream().map(r -> r.map(b -> new String(b, UTF_8))))
          .containsExactlyElementsOf(one);
    }
  }

  @Test
  void read_takesARecordForNoOtherLeaf() throws IOException {
    try (SideStore store = open(0)) {
      write(store, 0, "private");
      store.force();
      assertThatThrownBy(() -> store.read(0, leaf(1))).isInstanceOf(IOException.class);
      assertThat(read(store, 0)).contains("private");
    }
  }

  @Test
  void read_findsEveryChangedByte() throws IOException {
    try (SideStore store = open(0)) {
      write(store, 0, "private");
      store.force();
      for (Path file : Stream.concat(segments().stream(), Stream.of(keys())).toList()) {
        byte[] good = Files.readAllBytes(file);
        int used = file.equals(keys()) ? SideKeys.SLOT_BYTES : "private".length() + 16;
        for (int i = 0; i < used; i++) {
          byte[] bad = good.clone();
          bad[i] ^= 1;
          Files.write(file, bad);
          assertThatThrownBy(() -> read(store, 0)).as("byte " + i).isInstanceOf(IOException.class);
        }
        Files.write(file, good);
      }
    }
  }

  @Test
  void open_cutsRecordsWithoutLeaf() throws IOException {
    Random random = new Random(3);
    for (int leaves = 0; leaves <= 30; leaves++) {
      try (SideStore store = open(0)) {
        for (long index = 0; index < 30; index++) {
          write(store, index, record(random, index));
        }
        store.force();
      }
      try (SideStore store = open(leaves)) {
        // The first one comes without a record.
        for (long index = leaves + 1L; index < 35; index++) {
          write(store, index, "new " + index);
        }
        store.force();
      }
      try (SideStore store = open(35)) {
        for (long index = 0; index < 35; index++) {
          Optional<String> record = read(store, index);
          if (index < leaves) {
            assertThat(record.orElseThrow()).startsWith(index + "").doesNotContain("new");
          } else {
            assertThat(record)
                .isEqualTo(index == leaves ? Optional.empty() : Optional.of("new " + index));
          }
        }
      }
    }
  }

  @Test
  void open_refusesWhereTheLogLostLeaves() throws IOException {
    try (SideStore store = open(0)) {
      write(store, 0, "kept");
      write(store, SideStore.MOST_CUT, "far");
      store.force();
    }
    byte[] before = Files.readAllBytes(keys());
    assertThatThrownBy(() -> open(0))
        .isInstanceOf(LedgerRefused.class)
        .hasMessageContaining("the log has only 0 leaves");
    assertThat(Files.readAllBytes(keys())).isEqualTo(before);
    try (SideStore store = open(SideStore.MOST_CUT + 1)) {
      assertThat(read(store, 0)).contains("kept");
      assertThat(read(store, SideStore.MOST_CUT)).contains("far");
    }
  }

  @Test
  void open_refusesWithoutKeys() throws IOException {
    try (SideStore store = open(0)) {
      write(store, 0, "private");
      store.force();
    }
    Files.delete(keys());
    assertThatThrownBy(() -> open(1)).isInstanceOf(LedgerRefused.class);
    assertThat(keys()).doesNotExist();
  }

  @Test
  void erase_isFinalAndLeavesTheOthers() throws IOException {
    Random random = new Random(4);
    Map<Long, String> kept = new HashMap<>();
    try (SideStore store = open(0)) {
      for (long index = 0; index < 100; index++) {
        kept.put(index, record(random, index));
        write(store, index, kept.get(index));
      }
      store.force();
      byte[] slots = Files.readAllBytes(keys());
      for (int round = 0; round < 20; round++) {
        List<Long> erased = random.longs(3, 0, 100).boxed().toList();
        store.erase(erased);
        erased.forEach(kept::remove);
      }
      for (long index = 0; index < 100; index++) {
        assertThat(read(store, index)).isEqualTo(Optional.ofNullable(kept.get(index)));
        assertThat(store.erased(index)).isEqualTo(!kept.containsKey(index));
        String key =
            HexFormat.of()
                .formatHex(
                    slots,
                    (int) index * SideKeys.SLOT_BYTES,
                    (int) index * SideKeys.SLOT_BYTES + 32);
        assertThat(HexFormat.of().formatHex(Files.readAllBytes(keys())).contains(key))
            .isEqualTo(kept.containsKey(index));
      }
    }
    try (SideStore store = open(100)) {
      for (long index = 0; index < 100; index++) {
        assertThat(read(store, index)).isEqualTo(Optional.ofNullable(kept.get(index)));
      }
    }
  }

  @Test
  void erase_deletesSegmentsThatAreErasedWhole() throws IOException {
    try (SideStore store = open(0)) {
      for (long index = 0; index < 100; index++) {
        write(store, index, "x".repeat(84)); // 100 bytes with the tag, five to a segment
      }
      store.force();
      assertThat(segments()).hasSize(20);
      store.erase(LongStream.range(0, 14).boxed().toList());
      assertThat(segments()).hasSize(18);
      store.erase(List.of(14L));
      assertThat(segments()).hasSize(17);
      store.erase(LongStream.range(90, 100).boxed().toList());
      assertThat(segments()).as("the last one still grows").hasSize(16);
      write(store, 100, "next");
      store.force();
      assertThat(read(store, 50)).isPresent();
      assertThat(read(store, 100)).contains("next");
    }
    try (SideStore store = open(101)) {
      assertThat(read(store, 3)).isEmpty();
      assertThat(read(store, 50)).isPresent();
      assertThat(read(store, 100)).contains("next");
    }
  }

  @Test
  void erase_ofALeafWithoutARecordChangesNothing() throws IOException {
    try (SideStore store = open(0)) {
      write(store, 1, "kept");
      store.force();
      store.erase(List.of(0L, 2L, 500L));
      assertThat(store.erased(0)).isFalse();
      assertThat(read(store, 1)).contains("kept");
    }
  }

  @Test
  void files_sayNothingInClear() throws IOException {
    try (SideStore store = open(0)) {
      write(store, 0, "my private prompt");
      store.force();
      try (Stream<Path> files = Files.walk(temporary).filter(Files::isRegularFile)) {
        assertThat(files.toList())
            .hasSize(2)
            .allSatisfy(
                file ->
                    assertThat(new String(Files.readAllBytes(file), UTF_8))
                        .doesNotContain("private"));
      }
    }
  }

  private Path keys() {
    return folder().resolve("keys");
  }

  private List<Path> segments() throws IOException {
    try (Stream<Path> files = Files.list(folder())) {
      return files.filter(file -> file.toString().endsWith(".side")).sorted().toList();
    }
  }
}
