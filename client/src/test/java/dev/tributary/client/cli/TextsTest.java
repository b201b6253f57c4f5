package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class TextsTest {
  @ParameterizedTest
  @CsvSource({
    "0,0 B",
    "999,999 B",
    "1000,1.0 kB",
    "9949,9.9 kB",
    "9950,10 kB",
    "999499,999 kB",
    "999500,1.0 MB",
    "98765432,99 MB",
    "9223372036854775807,9.2 EB"
  })
  void bytes_haveTwoDigitsOrMore(long bytes, String text) {
    assertThat(Texts.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"0,0.0 ms", "9940000,9.9 ms", "85000000,85 ms", "999600000,1.0 s"})
  void duration_isMillisecondsOrSeconds(int nanos, String text) {
    assertThat(Texts.duration(Duration.newBuilder().setNanos(nanos).build())).isEqualTo(text);
  }

  @Test
  void quoted_isOneLine() {
    assertThat(Texts.quoted("a\n\"\\\t\u001b\u00e9")).isEqualTo("\"a\\n\\\"\\\\\\t\ufffd\u00e9\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pirate",
        "pirate@2",
        "pirate@canary",
        "acme/pirate@2*0.5",
        "p*-1",
        "p@sha256:ab*8"
      })
  void adapterArgument_goesBothWays(String text) {
    assertThat(AdapterArgument.text(new AdapterArgument().convert(text))).isEqualTo(text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "@1", "*2", "a@", "a*", "a*x", "a*Infinity", "a@1@2", "a*1*2", "a b"})
  void adapterArgument_malformed_isRefused(String text) {
    assertThatThrownBy(() -> new AdapterArgument().convert(text))
        .isInstanceOf(TypeConversionException.class);
  }
}
