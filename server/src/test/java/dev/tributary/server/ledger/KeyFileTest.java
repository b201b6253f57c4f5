package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyFileTest {
  private static final String ORIGIN = "test.example/log";

  @TempDir private Path folder;

  private KeyFile file() {
    return new KeyFile(folder.resolve("ledger.key"));
  }

  private Log open() throws IOException {
    return Log.open(
        new LogSettings(
            folder.resolve("ledger"),
            file().openOrMake(ORIGIN),
            file().next(),
            Optional.empty(),
            Optional.empty(),
            Duration.ZERO,
            100));
  }

  @Test
  void aNewKey_isItsOwnersAlone() throws IOException {
    SigningKey key = file().openOrMake(ORIGIN);
    Path path = folder.resolve("ledger.key");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
        .isEqualTo("rw-------");
    assertThat(file().openOrMake("another.example").text()).isEqualTo(key.text());
    assertThat(Files.readString(path)).isEqualTo(key.text() + "\n");
  }

  @Test
  void aBrokenKey_isRefusedWithoutTellingIt() throws IOException {
    SigningKey key = file().openOrMake(ORIGIN);
    String secret = key.text();
    Files.writeString(folder.resolve("ledger.key"), secret.substring(0, secret.length() - 5));
    assertThatThrownBy(() -> file().openOrMake(ORIGIN))
        .isInstanceOf(LedgerRefused.class)
        .message()
        .doesNotContain(secret.substring(secret.length() - 20, secret.length() - 5));
  }

  @Test
  void aRotation_endsTheOldKeyAtItsSize() throws IOException {
    VerifierKey old;
    SigningKey next;
    try (Log log = open()) {
      old = log.verifierKey();
      assertThatThrownBy(() -> log.rotate(file().openOrMake(ORIGIN)))
          .isInstanceOf(IllegalArgumentException.class);
      next = file().makeNext(ORIGIN);
      assertThatThrownBy(() -> log.rotate(next)).isInstanceOf(IllegalStateException.class);
      log.append(new byte[1], null).join();
      assertThat(log.covering(0).join().signedBy(old)).isTrue();
      assertThat(log.rotate(next).join()).isEqualTo(1);
      Note after = log.covering(1).join();
      assertThat(Checkpoint.parse(after.text()).size()).isEqualTo(2);
      assertThat(after.signedBy(next.verifierKey())).isTrue();
      assertThat(after.signedBy(old)).isFalse();
    }
    // Whether the process ended before or after the file was settled makes no difference.
    try (Log log = open()) {
      assertThat(log.verifierKey()).isEqualTo(next.verifierKey());
      file().settle(log.verifierKey());
    }
    assertThat(file().next()).isEmpty();
    try (Log log = open()) {
      assertThat(log.verifierKey()).isEqualTo(next.verifierKey());
      assertThat(log.checkpoint().signedBy(next.verifierKey())).isTrue();
    }
  }

  @Test
  void aRotationThatDidNotHappen_isForgotten() throws IOException {
    open().close();
    SigningKey next = file().makeNext(ORIGIN);
    try (Log log = open()) {
      assertThat(log.verifierKey()).isNotEqualTo(next.verifierKey());
      file().settle(log.verifierKey());
    }
    assertThat(file().makeNext(ORIGIN).text()).isEqualTo(next.text());
  }
}
