package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SoftmaxTest {
  @Test
  void logSum_isCloseToTheExactValue() {
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

      assertThat(new Softmax(n).logSum(row(values), max)).isCloseTo(Math.log(exact), within(3e-7));
    }
  }

  @Test
  void draw_goesThroughAllTokensInOrderAsTheShareGrows() {
    int n = 2100;
    Matrix row = row(new float[n]);
    Softmax softmax = new Softmax(n);

    for (int id = 0; id < n; id++) {
      assertThat(softmax.draw(row, 0, 1, (id + 0.5) / n)).isEqualTo(id);
    }
    assertThat(softmax.draw(row, 0, 1, 0)).isZero();
    assertThat(softmax.draw(row, 0, 1, Math.nextDown(1.0))).isEqualTo(n - 1);
  }

  @Test
  void draw_passesOverTokensWithoutWeight() {
    float[] values = new float[3000];
    Arrays.fill(values, Float.NEGATIVE_INFINITY);
    values[1500] = 2;
    values[1502] = 2;
    Softmax softmax = new Softmax(values.length);

    assertThat(softmax.draw(row(values), 2, 1, 0)).isEqualTo(1500);
    assertThat(softmax.draw(row(values), 2, 1, 0.49)).isEqualTo(1500);
    assertThat(softmax.draw(row(values), 2, 1, 0.51)).isEqualTo(1502);
    assertThat(softmax.draw(row(values), 2, 1, Math.nextDown(1.0))).isEqualTo(1502);
  }

  private static Matrix row(float... values) {
    return Matrix.of(DType.F32, 1, values.length, values);
  }
}
