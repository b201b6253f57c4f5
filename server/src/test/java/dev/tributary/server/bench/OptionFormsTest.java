package dev.tributary.server.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

/// The forms in which options are written.
class OptionFormsTest {
  private final Seconds seconds = new Seconds();
  private final TokenRange.Converter range = new TokenRange.Converter();

  @Test
  void seconds_readsUnits() {
    assertThat(seconds.convert("90")).isEqualTo(Duration.ofSeconds(90));
    assertThat(seconds.convert("30s")).isEqualTo(Duration.ofSeconds(30));
    assertThat(seconds.convert("10m")).isEqualTo(Duration.ofMinutes(10));
    assertThat(seconds.convert("1h")).isEqualTo(Duration.ofHours(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "s", "-1s", "1d", "1.5s", "9999999"})
  void seconds_refusesOthers(String text) {
    assertThatExceptionOfType(TypeConversionException.class)
        .isThrownBy(() -> seconds.convert(text));
  }

  @Test
  void range_readsOneNumberAndTwo() {
    assertThat(range.convert("64")).isEqualTo(new TokenRange(64, 64)).hasToString("64");
    assertThat(range.convert("32-256")).isEqualTo(new TokenRange(32, 256)).hasToString("32-256");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "x", "5-3", "-5", "1-2-3"})
  void range_refusesOthers(String text) {
    assertThatExceptionOfType(TypeConversionException.class).isThrownBy(() -> range.convert(text));
  }

  @Test
  void range_drawsBothEnds() {
    Random random = new Random(1);
    assertThat(java.util.stream.IntStream.range(0, 200).map(i -> new TokenRange(3, 5).next(random)))
        .containsOnly(3, 4, 5);
  }
}
