package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The folder is replaced by an older state of itself, or by another history.
class RollbackTest {
  private static final Layout SMALL = new Layout(8_192, 1_024, 300, 64, 4_096);
  private final SigningKey key = SigningKey.generate("test.example/log", new SecureRandom());

  @TempDir private Path folder;

  private Log open(String name, boolean anchored) throws IOException {
    LogSettings settings =
        new LogSettings(
            folder.resolve(name),
            key,
            Optional.empty(),
            anchored ? Optional.of(folder.resolve("anchor")) : Optional.empty(),
            Optional.empty(),
            Duration.ZERO,
            100);
    return Log.open(settings, new LocalDisk(), SMALL, null);
  }

  private void append(String name, boolean anchored, int leaves, int mark) throws IOException {
    try (Log log = open(name, anchored)) {
      for (int i = 0; i < leaves; i++) {
        log.append(new byte[] {(byte) mark, (byte) i}, null).join();
      }
    }
  }

  static void copy(Path from, Path to) throws IOException {
    try (var paths = Files.walk(from)) {
      for (Path path : paths.toList()) {
        Files.copy(path, to.resolve(from.relativize(path)));
      }
    }
  }

  @BeforeEach
  void keepAnOldState() throws IOException {
    append("ledger", true, 10, 1);
    copy(folder.resolve("ledger"), folder.resolve("old"));
    append("ledger", true, 10, 2);
  }

  @Test
  void aRolledBackFolder_isRefused() {
    assertThatThrownBy(() -> open("old", true))
        .isInstanceOf(LedgerRefused.class)
        .hasMessageContaining("anchor")
        .hasMessageContaining("is of 20 leaves, and the log has only 10: it was rolled back");
  }

  @Test
  void aForkedFolder_isRefused() throws IOException {
    append("old", false, 15, 3);
    assertThatThrownBy(() -> open("old", true))
        .isInstanceOf(LedgerRefused.class)
        .hasMessageContaining("of the first 20 leaves")
        .hasMessageContaining("it was changed");
    Optional<Path> anchor = Optional.of(folder.resolve("anchor"));
    assertThat(Fsck.run(folder.resolve("old"), anchor).problems())
        .singleElement()
        .asString()
        .startsWith("the anchor has the root");
  }

  @Test
  void theFolderItself_isTaken() throws IOException {
    append("ledger", true, 1, 4);
    append("ledger", false, 1, 5);
    append("ledger", true, 1, 6);
    try (Log log = open("ledger", true)) {
      assertThat(log.durable()).isEqualTo(23);
    }
  }

  @Test
  void aDamagedAnchor_isRefused() throws IOException {
    Files.writeString(folder.resolve("anchor"), "nothing");
    assertThatThrownBy(() -> open("ledger", true))
        .isInstanceOf(LedgerRefused.class)
        .hasMessageContaining("is not a checkpoint");
  }
}
