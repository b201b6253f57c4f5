package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerKeyTest {
  @TempDir private Path data;

  private SigningKey open(@Nullable String origin) throws IOException {
    return LedgerKey.open(data.resolve(LedgerKey.FILE), data.resolve("ledger"), origin);
  }

  @Test
  void open_makesAKeyOnceUnderTheNameThatIsAskedFor() throws IOException {
    SigningKey key = open("logs.example.com/ours");
    assertThat(key.name()).isEqualTo("logs.example.com/ours");
    assertThat(open(null).verifierKey()).isEqualTo(key.verifierKey());
    assertThat(Files.getPosixFilePermissions(data.resolve(LedgerKey.FILE)))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
  }

  @Test
  void open_withoutANameMakesOneThatNoOtherLogHas(@TempDir Path other) throws IOException {
    String name = open(null).name();
    assertThat(name).matches("tributary\\.invalid/[0-9a-f]{16}");
    assertThat(LedgerKey.open(other.resolve(LedgerKey.FILE), other.resolve("ledger"), null).name())
        .isNotEqualTo(name);
  }

  @Test
  void open_refusesAnotherNameLater() throws IOException {
    var unused = open("logs.example.com/ours");
    assertThatThrownBy(() -> open("logs.example.com/theirs"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is named logs.example.com/ours");
  }

  @Test
  void open_makesNoKeyForALogThatIsThere() throws IOException {
    Files.createDirectory(data.resolve("ledger"));
    assertThatThrownBy(() -> open(null))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("ledger.key is missing");
  }

  @Test
  void open_refusesWhatIsNoKey() throws IOException {
    var unused = open(null);
    Files.writeString(data.resolve(LedgerKey.FILE), "PRIVATE+KEY+x");
    assertThatThrownBy(() -> open(null))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("holds no ledger key");
  }
}
