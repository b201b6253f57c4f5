package dev.tributary.server.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostNamesTest {
  private final HostNames hosts = new HostNames(List.of("Metrics.Example"));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost",
        "LOCALHOST:50053",
        "127.0.0.1",
        "127.0.0.1:80",
        "[::1]",
        "[::1]:50053",
        "metrics.example",
        "metrics.example:1",
        "10.1.2.3",
        "10.1.2.3:50053"
      })
  void allows_known(String header) {
    assertThat(hosts.allows(header, "10.1.2.3")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":80",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.1.2.4",
        "localhost:",
        "localhost:80:80",
        "localhost:80x",
        "localhost:999999",
        "localhost ",
        "[::1",
        "[::1]x",
        "::1",
        "user@localhost"
      })
  void allows_nothingElse(String header) {
    assertThat(hosts.allows(header, "10.1.2.3")).isFalse();
  }

  @Test
  void set_replacesAllButLoopback() {
    hosts.set(List.of("other.example"));
    assertThat(hosts.allows("metrics.example", "")).isFalse();
    assertThat(hosts.allows("other.example", "")).isTrue();
    assertThat(hosts.allows("localhost", "")).isTrue();
  }

  /// Whatever a header says, only a known host with or without a port is let in.
  @Test
  void allows_anyHeader_isWhatTheGrammarSays() {
    Random random = new Random(4);
    String letters = "localhst127.0:[]x-/@ 5";
    for (int i = 0; i < 100_000; i++) {
      StringBuilder header = new StringBuilder(random.nextBoolean() ? "localhost" : "");
      for (int j = random.nextInt(8); j > 0; j--) {
        header.append(letters.charAt(random.nextInt(letters.length())));
      }
      assertThat(hosts.allows(header.toString(), "10.1.2.3"))
          .as(header.toString())
          .isEqualTo(header.toString().matches("(localhost|127\\.0\\.0\\.1|\\[::1])(:\\d{1,5})?"));
    }
  }
}
