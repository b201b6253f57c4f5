package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExportTest {
  @TempDir private Path folder;

  private static void append(Log log, int leaves) {
    List<CompletableFuture<Long>> all = new ArrayList<>();
    for (int i = 0; i < leaves; i++) {
      all.add(log.append(new byte[] {(byte) i, (byte) (i >> 8)}, null));
    }
    log.covering(all.stream().map(CompletableFuture::join).toList().getLast()).join();
  }

  private List<String> files() throws IOException {
    Path out = folder.resolve("out");
    try (var paths = Files.walk(out)) {
      return paths
          .filter(Files::isRegularFile)
          .map(path -> out.relativize(path).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void staticFiles_areThoseOfTheCheckpoint() throws IOException {
    SigningKey key = SigningKey.generate("test.example/log", new SecureRandom());
    try (Log log = Log.open(LogSettings.of(folder.resolve("ledger"), key))) {
      append(log, 600);
      Note first = log.checkpoint();
      Export.write(log, first, folder.resolve("out"));
      assertThat(files())
          .containsExactly(
              "checkpoint",
              "tile/0/000",
              "tile/0/001",
              "tile/0/002.p/88",
              "tile/1/000.p/2",
              "tile/entries/000",
              "tile/entries/001",
              "tile/entries/002.p/88");
      append(log, 168);
      Export.write(log, log.checkpoint(), folder.resolve("out"));
      assertThat(files()).contains("tile/0/002", "tile/entries/002", "tile/1/000.p/3").hasSize(11);
    }
    checkRoot();
  }

  /// From the entries of the files alone.
  private void checkRoot() throws IOException {
    List<Hash> leaves = new ArrayList<>();
    for (String name : List.of("000", "001", "002")) {
      byte[] bundle = Files.readAllBytes(folder.resolve("out/tile/entries").resolve(name));
      ByteBuffer tile =
          ByteBuffer.wrap(Files.readAllBytes(folder.resolve("out/tile/0").resolve(name)));
      for (ByteBuffer in = ByteBuffer.wrap(bundle); in.hasRemaining(); ) {
        byte[] leaf = new byte[in.getShort()];
        in.get(leaf);
        leaves.add(Merkle.leaf(leaf));
        byte[] hash = new byte[Hash.BYTES];
        tile.get(hash);
        assertThat(Hash.of(hash)).isEqualTo(leaves.getLast());
      }
    }
    Note note = Note.parse(Files.readAllBytes(folder.resolve("out/checkpoint")));
    Checkpoint checkpoint = Checkpoint.parse(note.text());
    assertThat(checkpoint.size()).isEqualTo(768).isEqualTo(leaves.size());
    assertThat(checkpoint.root()).isEqualTo(Merkle.root(leaves));
  }
}
