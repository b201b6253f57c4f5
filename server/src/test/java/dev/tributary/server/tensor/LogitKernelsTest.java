package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Every pass against its plain-Java twin, bit by bit.
class LogitKernelsTest {
  private static final int[] SIZES = {1, 15, 16, 17, 127, 128, 129, 300, 1023, 1024, 1025, 5000};

  @Test
  void peaks_areTheLargestOfTheirTokens() {
    Random random = new Random(1);
    for (int n : SIZES) {
      float[] logits = logits(random, n);
      float[] peaks = new float[LogitKernels.peaks(n)];
      float max = LogitKernels.peaks(row(logits), peaks);

      float[] expected = new float[peaks.length];
      Arrays.fill(expected, Float.NEGATIVE_INFINITY);
      for (int i = 0; i < n; i++) {
        int peak = i / 128 * 16 + i % 16;
        expected[peak] = Math.max(expected[peak], logits[i]);
      }
      assertThat(peaks).isEqualTo(expected);
      assertThat(max).isEqualTo(largest(logits));
    }
  }

  @Test
  void peaks_areNaNIfAnyLogitIs() {
    for (int n : SIZES) {
      for (int at : new int[] {0, n / 2, n - 1}) {
        float[] logits = new float[n];
        logits[at] = Float.NaN;
        logits[n / 3] += 1;
        float[] peaks = new float[LogitKernels.peaks(n)];

        assertThat(LogitKernels.peaks(row(logits), peaks)).isNaN();
      }
    }
  }

  @Test
  void collect_findsExactlyTheTokensBetweenTheBounds() {
    Random random = new Random(2);
    for (int n : SIZES) {
      for (int round = 0; round < 30; round++) {
        float[] logits = logits(random, n);
        float[] peaks = new float[LogitKernels.peaks(n)];
        var unused = LogitKernels.peaks(row(logits), peaks);
        float bound = round == 0 ? Float.NEGATIVE_INFINITY : random.nextInt(20) / 2f - 5;
        float below = round % 2 == 0 ? Float.POSITIVE_INFINITY : bound + random.nextInt(5);

        int reached = LogitKernels.count(peaks, bound);
        int[] ids = new int[LogitKernels.tokens(reached)];
        int found = LogitKernels.collect(row(logits), peaks, bound, below, ids);
        assertThat(IntStream.of(ids).limit(found).sorted())
            .containsExactlyElementsOf(
                IntStream.range(0, n)
                    .filter(i -> logits[i] >= bound && logits[i] < below)
                    .boxed()
                    .toList());
        assertThat(reached)
            .isEqualTo(
                (int) IntStream.range(0, peaks.length).filter(i -> peaks[i] >= bound).count());
      }
    }
  }

  @Test
  void sumAndWeigh_areTheirDefinitionsBitByBit() {
    Random random = new Random(3);
    for (int n : SIZES) {
      for (float scale : new float[] {0.01f, 1, 1.25f, 1e30f, Float.MAX_VALUE}) {
        float[] logits = logits(random, n);
        float max = largest(logits);
        float[] sums = new float[LogitKernels.blocks(n)];
        double all = LogitKernels.sum(row(logits), max, scale, sums);

        double expected = 0;
        float[] weights = new float[LogitKernels.BLOCK];
        for (int block = 0; block < sums.length; block++) {
          float[] plain = weights(logits, block, max, scale);
          float sum = sum(plain);
          expected += sum;
          assertThat(sums[block]).isEqualTo(sum);
          assertThat(LogitKernels.weigh(row(logits), block, max, scale, weights))
              .isEqualTo(plain.length);
          assertThat(Arrays.copyOf(weights, plain.length)).isEqualTo(plain);
        }
        assertThat(all).isEqualTo(expected);
      }
    }
  }

  @Test
  void sum_doesNotDependOnHowWarmTheCodeIs() {
    float[] logits = logits(new Random(4), 3001);
    float max = largest(logits);
    float[] sums = new float[LogitKernels.blocks(logits.length)];
    double cold = LogitKernels.sum(row(logits), max, 1, sums);
    for (int i = 0; i < 20_000; i++) {
      assertThat(LogitKernels.sum(row(logits), max, 1, sums) == cold).isTrue();
    }
  }

  @Test
  void weight_isCloseToTheExponentialAndNothingFarBelow() {
    for (float x = 0; x > -87; x -= 0.0007f) {
      double exact = StrictMath.exp(x);
      assertThat(Math.abs(LogitKernels.weight(x, 0, 1) - exact)).isLessThan(exact * 0x1p-22);
    }
    assertThat(LogitKernels.weight(5, 5, Float.MAX_VALUE)).isEqualTo(1);
    assertThat(LogitKernels.weight(-87.001f, 0, 1)).isZero();
    assertThat(LogitKernels.weight(Float.NEGATIVE_INFINITY, 0, 1)).isZero();
    assertThat(LogitKernels.weight(-3e38f, 3e38f, 1)).isZero();
  }

  private static float[] weights(float[] logits, int block, float max, float scale) {
    int from = block * 1024;
    float[] weights = new float[Math.min(1024, logits.length - from)];
    for (int i = 0; i < weights.length; i++) {
      float x = (logits[from + i] - max) * scale;
      weights[i] = x < -87 ? 0 : Lanes.exp(x);
    }
    return weights;
  }

  private static float sum(float[] weights) {
    float[] lanes = new float[16];
    for (int i = 0; i < weights.length; i++) {
      lanes[i % 16] += weights[i];
    }
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        lanes[i] += lanes[i + half];
      }
    }
    return lanes[0];
  }

  private static float[] logits(Random random, int n) {
    float[] logits = new float[n];
    for (int i = 0; i < n; i++) {
      logits[i] =
          random.nextInt(20) == 0
              ? Float.NEGATIVE_INFINITY
              : Math.round(random.nextGaussian() * 12) / 4f;
    }
    logits[random.nextInt(n)] = random.nextBoolean() ? -0f : 1.7f;
    return logits;
  }

  private static float largest(float[] logits) {
    float max = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    return max;
  }

  private static Matrix row(float... logits) {
    return Matrix.of(DType.F32, 1, logits.length, logits);
  }
}
