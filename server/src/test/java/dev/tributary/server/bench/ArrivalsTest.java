package dev.tributary.server.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ArrivalsTest {
  private static final int COUNT = 100_000;

  private static Arrivals seeded(double rate) {
    return new Arrivals(rate, LoadRequests.generator(3));
  }

  @Test
  void next_isExponential() {
    Arrivals arrivals = seeded(50);
    double mean = 1e9 / 50;
    double sum = 0;
    double squares = 0;
    int longerThanMean = 0;
    for (int i = 0; i < COUNT; i++) {
      long gap = arrivals.next();
      assertThat(gap).isNotNegative();
      sum += gap / mean;
      squares += gap / mean * (gap / mean);
      longerThanMean += gap > mean ? 1 : 0;
    }
    assertThat(sum / COUNT).isCloseTo(1, within(0.02));
    // The second moment of the exponential distribution is 2 means squared.
    assertThat(squares / COUNT).isCloseTo(2, within(0.06));
    assertThat((double) longerThanMean / COUNT).isCloseTo(Math.exp(-1), within(0.01));
  }

  @Test
  void arrivalsInASecond_varyAsPoissonDoes() {
    Arrivals arrivals = seeded(20);
    int seconds = 4_000;
    int[] counts = new int[seconds];
    long at = arrivals.next();
    while (at / 1_000_000_000 < seconds) {
      counts[(int) (at / 1_000_000_000)]++;
      at += arrivals.next();
    }
    double mean = 0;
    for (int count : counts) {
      mean += (double) count / seconds;
    }
    double variance = 0;
    for (int count : counts) {
      variance += (count - mean) * (count - mean) / seconds;
    }
    assertThat(mean).isCloseTo(20, within(0.5));
    assertThat(variance / mean).isCloseTo(1, within(0.1));
  }

  @Test
  void equalSeeds_arriveEqually() {
    Arrivals one = seeded(5);
    Arrivals other = seeded(5);
    for (int i = 0; i < 100; i++) {
      assertThat(one.next()).isEqualTo(other.next());
    }
  }

  @Test
  void constructor_refusesNonsense() {
    assertThatIllegalArgumentException().isThrownBy(() -> seeded(0));
    assertThatIllegalArgumentException().isThrownBy(() -> seeded(Double.POSITIVE_INFINITY));
  }
}
