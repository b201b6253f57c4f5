package dev.tributary.server.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ZipfTest {
  private static final int DRAWS = 200_000;

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.7, 1, 1.5})
  void next_drawsEachRankAsOftenAsItsProbability(double s) {
    int n = 1_000;
    Zipf zipf = new Zipf(n, s);
    int[] counts = new int[n];
    Random random = new Random(7);
    for (int i = 0; i < DRAWS; i++) {
      counts[zipf.next(random)]++;
    }
    for (int rank = 0; rank < n; rank++) {
      double p = zipf.probability(rank);
      double deviation = Math.sqrt(DRAWS * p * (1 - p));
      assertThat((double) counts[rank])
          .as("rank %d", rank)
          .isCloseTo(DRAWS * p, within(5 * deviation + 1));
    }
  }

  @Test
  void probability_fallsAsTheLawSays() {
    Zipf zipf = new Zipf(100, 1);
    double sum = 0;
    for (int rank = 0; rank < 100; rank++) {
      sum += zipf.probability(rank);
      assertThat(zipf.probability(0) / zipf.probability(rank))
          .isCloseTo(rank + 1, within(1e-9 * (rank + 1)));
    }
    assertThat(sum).isCloseTo(1, within(1e-12));
  }

  @Test
  void next_ofOneRank_isThatRank() {
    Zipf zipf = new Zipf(1, 1);
    assertThat(zipf.next(new Random(1))).isZero();
  }

  @Test
  void constructor_refusesNonsense() {
    assertThatIllegalArgumentException().isThrownBy(() -> new Zipf(0, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> new Zipf(5, -1));
    assertThatIllegalArgumentException().isThrownBy(() -> new Zipf(5, Double.NaN));
  }
}
