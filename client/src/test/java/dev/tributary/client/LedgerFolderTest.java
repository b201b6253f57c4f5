package dev.tributary.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerFolderTest {
  @TempDir private Path folder;
  private FakeServer server;
  private FakeProvenance log;
  private TributaryClient client;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    log = server.provenance;
    client = server.client(ClientOptions.defaults());
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private void grow(int size) {
    while (log.size() < size) {
      log.append(Records.generation("g-" + log.size()));
    }
  }

  private void export(Path to) throws IOException {
    new LedgerFolder(to).write(client.ledger(), client.ledger().newest(), count -> {});
  }

  private List<String> fsck(Path of) throws IOException {
    Head head = new LedgerFolder(of).head().orElseThrow();
    return new LedgerFsck(of, head).run(count -> {}).stream().map(Finding::sentence).toList();
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  @Test
  void write_addedTo_isAsWrittenAtOnce() throws IOException {
    Path grown = folder.resolve("grown");
    for (int size : List.of(0, 1, 255, 256, 300, 300, 511, 700, 1_025)) {
      grow(size);
      export(grown);
      assertThat(fsck(grown)).as("at %d", size).isEmpty();
    }
    Path whole = folder.resolve("whole");
    export(whole);
    for (Path file : files(whole)) {
      assertThat(grown.resolve(whole.relativize(file))).hasSameBinaryContentAs(file);
    }
    assertThat(files(whole).stream().map(file -> whole.relativize(file).toString()))
        .containsExactly(
            "checkpoint",
            "tile/0/000",
            "tile/0/001",
            "tile/0/002",
            "tile/0/003",
            "tile/0/004.p/1",
            "tile/1/000.p/4",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002",
            "tile/entries/003",
            "tile/entries/004.p/1");
    log.entriesAsked.clear();
    export(grown);
    // Only the bundle that was not full.
    assertThat(log.entriesAsked).allMatch(asked -> asked.getStart() == 1_024);
  }

  @Test
  void write_entriesOrFolderOfAnotherLog_leavesTheCheckpoint() throws IOException {
    grow(300);
    export(folder);
    byte[] before = Files.readAllBytes(folder.resolve("checkpoint"));
    grow(400);
    log.reading =
        entry ->
            entry.getLeafIndex() == 390
                ? entry.toBuilder().setData(ByteString.copyFromUtf8("x")).build()
                : entry;
    assertThatThrownBy(() -> export(folder))
        .isInstanceOf(UnmetException.class)
        .hasMessageContaining("do not lead to the checkpoint");
    assertThat(folder.resolve("checkpoint")).hasBinaryContent(before);
    log.reading = entry -> entry;
    log.replace(5, Records.generation("x").seal(new SecureRandom()).leaf().encode());
    assertThatThrownBy(() -> export(folder)).hasMessageContaining("rewritten or forked");
  }

  @Test
  void fsck_anyByteOfAnyFile_isFound() throws IOException {
    grow(600);
    export(folder);
    Random random = new Random(6);
    for (Path file : files(folder.resolve("tile"))) {
      byte[] sound = Files.readAllBytes(file);
      for (int round = 0; round < 3; round++) {
        byte[] changed = sound.clone();
        changed[random.nextInt(changed.length)] ^= (byte) (1 << random.nextInt(8));
        Files.write(file, changed);
        assertThat(fsck(folder)).as("a bit of %s", file).isNotEmpty();
      }
      Files.write(file, Arrays.copyOf(sound, sound.length - 1));
      assertThat(fsck(folder)).as("the end of %s", file).isNotEmpty();
      Files.delete(file);
      assertThat(fsck(folder)).as("without %s", file).isNotEmpty();
      Files.write(file, sound);
    }
    assertThat(fsck(folder)).isEmpty();
  }

  @Test
  void fsck_strangersAndOldPartialTiles_areLookedAt() throws IOException {
    grow(300);
    export(folder);
    grow(310);
    export(folder);
    assertThat(fsck(folder)).isEmpty();
    Path old = folder.resolve("tile/0/001.p/44");
    byte[] bytes = Files.readAllBytes(old);
    bytes[0] ^= 1;
    Files.write(old, bytes);
    assertThat(fsck(folder))
        .containsExactly("tile/0/001.p/44 is not the beginning of tile/0/001.p/54");
    Files.delete(old);
    Path bundle = folder.resolve("tile/entries/001.p/44");
    byte[] entries = Files.readAllBytes(bundle);
    Files.write(bundle, Arrays.copyOf(entries, entries.length / 44 * 43));
    assertThat(fsck(folder)).hasSize(1);
    Files.write(bundle, entries);
    Files.write(folder.resolve("tile/0/002"), new byte[32]);
    Files.write(folder.resolve("tile/0/readme"), new byte[1]);
    assertThat(fsck(folder))
        .containsExactlyInAnyOrder(
            "tile/0/002 is beyond the checkpoint", "tile/0/readme is no tile");
  }
}
