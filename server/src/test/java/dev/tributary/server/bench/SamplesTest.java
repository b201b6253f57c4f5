package dev.tributary.server.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SamplesTest {
  private static final long MILLI = 1_000_000;

  private static Samples downTo1(int from) {
    Samples samples = new Samples();
    for (int i = from; i > 0; i--) {
      samples.add(i * MILLI);
    }
    return samples;
  }

  @Test
  void percentiles_areNearestRanks() {
    assertThat(downTo1(100).summary()).isEqualTo(new Samples.Summary(100, 50.5, 50, 95, 99, 100));
    // 95% of 10 is 9.5: only the tenth value is not below.
    assertThat(downTo1(10).summary()).isEqualTo(new Samples.Summary(10, 5.5, 5, 10, 10, 10));
    assertThat(downTo1(1000).summary())
        .isEqualTo(new Samples.Summary(1000, 500.5, 500, 950, 990, 1000));
  }

  @Test
  void oneValue_isEveryPercentile() {
    Samples samples = new Samples();
    samples.add(7 * MILLI);
    assertThat(samples.summary()).isEqualTo(new Samples.Summary(1, 7, 7, 7, 7, 7));
  }

  @Test
  void noValues_areZero() {
    assertThat(new Samples().summary()).isEqualTo(new Samples.Summary(0, 0, 0, 0, 0, 0));
  }

  @Test
  void addAll_addsEach() {
    Samples samples = downTo1(300);
    samples.addAll(downTo1(500));
    assertThat(samples.count()).isEqualTo(800);
    assertThat(samples.summary().max()).isEqualTo(500);
    assertThat(samples.summary().p50()).isEqualTo(200);
  }
}
