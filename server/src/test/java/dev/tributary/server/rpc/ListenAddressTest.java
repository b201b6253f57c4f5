package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ListenAddressTest {
  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:50051, 127.0.0.1, 50051",
    "localhost:0, localhost, 0",
    "[::1]:65535, ::1, 65535",
    "[::]:1, ::, 1"
  })
  void parse_readsHostAndPort(String text, String host, int port) {
    ListenAddress address = ListenAddress.parse(text);
    assertThat(address).isEqualTo(new ListenAddress(host, port));
    assertThat(address).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        "50051",
        ":50051",
        "host:",
        "host:65536",
        "host:-1",
        "::1:5",
        "[]:5",
        "[host]:5",
        "host:5x",
        "[::1]"
      })
  void parse_refusesWhatIsNoAddress(String text) {
    assertThatIllegalArgumentException().isThrownBy(() -> ListenAddress.parse(text));
  }

  @Test
  void isLoopback_tellsWhetherOthersCanCome() {
    assertThat(ListenAddress.parse("127.0.0.1:0").isLoopback()).isTrue();
    assertThat(ListenAddress.parse("[::1]:0").isLoopback()).isTrue();
    assertThat(ListenAddress.parse("0.0.0.0:0").isLoopback()).isFalse();
  }
}
