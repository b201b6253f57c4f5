package dev.tributary.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LogHistogramTest {
  /// Half a bucket either way, in the logarithm.
  private static final double NEAR = Math.pow(2, 1 / 8.0) + 1e-9;

  @Test
  void percentile_isTheExactOneWithinABucket() {
    Random random = new Random(2);
    for (int round = 0; round < 50; round++) {
      long[] all = new long[1 + random.nextInt(500)];
      LogHistogram histogram = new LogHistogram();
      for (int i = 0; i < all.length; i++) {
        all[i] = (long) (1_000 * Math.exp(random.nextDouble() * 18));
        histogram.add(all[i]);
      }
      Arrays.sort(all);
      for (double p : new double[] {0.01, 0.5, 0.95, 1}) {
        double exact = all[(int) Math.ceil(p * all.length) - 1];
        double told = histogram.percentile(p).orElseThrow().toNanos();
        assertThat(told).isBetween(exact / NEAR, exact * NEAR);
      }
      assertThat(histogram.total()).isEqualTo(all.length);
    }
  }

  @Test
  void percentile_ofNothing_isEmpty() {
    assertThat(new LogHistogram().percentile(0.5)).isEmpty();
  }

  @Test
  void add_extremes_areInTheOutermostBuckets() {
    LogHistogram histogram = new LogHistogram();
    histogram.add(-5);
    histogram.add(0);
    histogram.add(Long.MAX_VALUE);
    assertThat(histogram.percentile(0.5)).contains(Duration.ofNanos(1_000));
    assertThat(histogram.percentile(1)).contains(Duration.ofNanos((1L << 32) * 1_000));
  }

  @Test
  void addAll_isTheSameAsAddingEach() {
    LogHistogram one = new LogHistogram();
    LogHistogram both = new LogHistogram();
    one.add(5_000_000);
    both.add(40_000_000);
    both.addAll(one);
    assertThat(both.total()).isEqualTo(2);
    assertThat(both.percentile(0.5)).isEqualTo(one.percentile(0.5));
  }
}
