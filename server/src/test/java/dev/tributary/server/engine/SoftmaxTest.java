package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class SoftmaxTest {
  @Test
  void expOfMinus_isWithinItsBoundOfTheExactValue() {
    double worst = 0;
    for (float x = 0; x < 87; x += 0.0007f) {
      double exact = StrictMath.exp(-(double) x);
      worst = Math.max(worst, Math.abs(Softmax.expOfMinus(x) - exact) / exact);
    }

    assertThat(worst).isLessThan(0x1p-23);
    assertThat(Softmax.expOfMinus(0)).isEqualTo(1);
    assertThat(Softmax.expOfMinus(Float.POSITIVE_INFINITY)).isBetween(0f, 2e-38f);
  }

  @Test
  void argMax_takesTheLowestOfEqualValues() {
    assertThat(Softmax.argMax(new float[] {1, 3, 3, 2})).isEqualTo(1);
    assertThat(Softmax.argMax(new float[] {-0f, 0f})).isZero();
    assertThat(Softmax.argMax(new float[] {Float.NEGATIVE_INFINITY, -5})).isEqualTo(1);
  }

  @Test
  void argMax_refusesWhatIsNotFinite() {
    float inf = Float.POSITIVE_INFINITY;
    for (float[] values : new float[][] {{1, Float.NaN}, {Float.NaN, 1}, {1, inf}, {-inf, -inf}}) {
      assertThatThrownBy(() -> Softmax.argMax(values)).isInstanceOf(ArithmeticException.class);
    }
  }

  @Test
  void logSumExp_isCloseToTheExactValue() {
    Random random = new Random(7);
    for (int n : new int[] {1, 2, 3, 5, 1000, 49_152}) {
      float[] values = new float[n];
      double exact = 0;
      float max = Float.NEGATIVE_INFINITY;
      for (int i = 0; i < n; i++) {
        values[i] = (float) random.nextGaussian() * 4 + 10;
        exact += Math.exp(values[i]);
        max = Math.max(max, values[i]);
      }

      assertThat(Softmax.logSumExp(values, max, new float[n]))
          .isCloseTo(Math.log(exact), within(3e-7));
    }
  }

  @Test
  void sum_doesNotDependOnHowWarmTheCodeIs() {
    Random random = new Random(3);
    float[] values = new float[1001];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() * (1 << random.nextInt(20));
    }
    double cold = Softmax.sum(values);
    for (int i = 0; i < 20_000; i++) {
      assertThat(Softmax.sum(values) == cold).isTrue();
    }
  }
}
