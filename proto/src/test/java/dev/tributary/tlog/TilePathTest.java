package dev.tributary.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TilePathTest {
  @ParameterizedTest
  @CsvSource({
    "tile/0/000, 0, 0, 256",
    "tile/0/x001/x234/067, 0, 1234067, 256",
    "tile/5/x001/000.p/1, 5, 1000, 1",
    "tile/63/999.p/255, 63, 999, 255",
    "tile/entries/x001/234.p/5, -1, 1234, 5",
    "tile/entries/x009/x223/x372/x036/x854/x775/807, -1, 9223372036854775807, 256"
  })
  void parse_paths(String text, int level, long index, int width) {
    TilePath path = new TilePath(level, index, width);
    assertThat(TilePath.parse(text)).isEqualTo(path);
    assertThat(path).hasToString(text);
  }

  @Test
  void parse_whatFormatGives() {
    Random random = new Random(1);
    for (int round = 0; round < 5_000; round++) {
      TilePath path =
          new TilePath(
              random.nextInt(65) - 1,
              random.nextLong() >>> (1 + random.nextInt(63)),
              1 + random.nextInt(TilePath.WIDTH));
      assertThat(TilePath.parse(path.toString())).isEqualTo(path);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/x/000",
        "tile/Entries/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x001/x000",
        "tile/0/x01/000",
        "tile/0/y001/000",
        "tile/0/x001/00a",
        "tile/0/x001//000",
        "tile/0/\u0661\u0661\u0661",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/4294967297",
        "tile/0/000.p/1.p/1",
        "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/x001/x000/x000/x000/x000/x000/x000/000"
      })
  void parse_notAPath_isRefused(String path) {
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> TilePath.parse(path));
  }

  @Test
  void constructor_bounds() {
    assertThat(TilePath.ofBundle(3, 2)).hasToString("tile/entries/003.p/2");
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> new TilePath(-2, 0, 1));
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> new TilePath(64, 0, 1));
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> new TilePath(0, -1, 1));
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> new TilePath(0, 0, 0));
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> new TilePath(0, 0, 257));
  }
}
