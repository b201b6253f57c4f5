package dev.tributary.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PinsTest {
  @TempDir private Path folder;

  private static VerifierKey key(String origin) {
    return SigningKey.generate(origin, new SecureRandom()).verifierKey();
  }

  @Test
  void pin_firstContact_isKept() throws IOException {
    Path file = folder.resolve("config/tributary/pins");
    VerifierKey a = key("log.example/a");
    VerifierKey b = key("log.example/b");
    assertThat(new Pins(file).pinned("log.example/a")).isEmpty();
    assertThat(new Pins(file).pin(a)).isTrue();
    assertThat(new Pins(file).pin(b)).isTrue();
    assertThat(new Pins(file).pin(a)).isFalse();
    assertThat(new Pins(file).pinned("log.example/a")).contains(a);
    assertThat(new Pins(file).pinned("log.example/b")).contains(b);
    assertThat(Files.readString(file)).isEqualTo(a + "\n" + b + "\n");
  }

  @Test
  void pin_anotherKeyLater_isRefusedAndTheFirstStays() throws IOException {
    Pins pins = new Pins(folder.resolve("pins"));
    VerifierKey first = key("log.example/a");
    VerifierKey other = key("log.example/a");
    pins.pin(first);
    assertThatThrownBy(() -> pins.pin(other))
        .isInstanceOf(UnmetException.class)
        .hasMessageContaining(first.toString())
        .hasMessageContaining(other.toString())
        .hasMessageContaining(pins.file().toString());
    assertThat(pins.pinned("log.example/a")).contains(first);
  }

  @Test
  void pinned_linesOfPeople_arePassedOverAndNonsenseIsNot() throws IOException {
    Path file = folder.resolve("pins");
    VerifierKey key = key("log.example/a");
    Files.writeString(file, "# seen at the office\n\n" + key);
    assertThat(new Pins(file).pinned("log.example/a")).contains(key);
    Files.writeString(file, key + "\nlog.example/a+00000000+AAAA\n");
    assertThatThrownBy(() -> new Pins(file).pinned("log.example/a"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("line 2");
  }

  @Test
  void pin_afterALineWithoutItsEnd_isALineOfItsOwn() throws IOException {
    Path file = folder.resolve("pins");
    VerifierKey a = key("log.example/a");
    VerifierKey b = key("log.example/b");
    Files.writeString(file, a.toString());
    new Pins(file).pin(b);
    assertThat(new Pins(file).pinned("log.example/a")).contains(a);
    assertThat(new Pins(file).pinned("log.example/b")).contains(b);
  }
}
