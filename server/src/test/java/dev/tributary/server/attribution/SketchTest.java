package dev.tributary.server.attribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SketchTest {
  @Test
  void cosine_isThatOfTheGradients() {
    Random random = new Random(1);
    for (int round = 0; round < 50; round++) {
      int size = 1 + random.nextInt(200_000);
      float[] a = new float[size];
      float[] b = new float[size];
      double dot = 0;
      double squares = 0;
      double others = 0;
      for (int i = 0; i < size; i++) {
        a[i] = (float) random.nextGaussian();
        b[i] = (float) (random.nextGaussian() + 0.5 * a[i]);
        dot += (double) a[i] * b[i];
        squares += (double) a[i] * a[i];
        others += (double) b[i] * b[i];
      }
      assertThat(Sketch.of(a).cosine(Sketch.of(b)))
          .isCloseTo(dot / Math.sqrt(squares * others), within(0.01));
    }
  }

  @Test
  void dot_ofLargestValues_doesNotOverflow() {
    byte[] all = new byte[300_000];
    Arrays.fill(all, (byte) 127);
    assertThat(Sketch.dot(all, 0, all)).isEqualTo(300_000L * 127 * 127);
  }

  @Test
  void vanishing_hasNoAngle() {
    assertThat(Sketch.of(new float[8]).cosine(Sketch.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8})))
        .isZero();
  }

  @Test
  void notFinite_isRefused() {
    assertThatThrownBy(() -> Sketch.of(new float[] {1, Float.POSITIVE_INFINITY}))
        .isInstanceOf(ArithmeticException.class);
    assertThatThrownBy(() -> Sketch.of(new float[] {Float.NaN, 1}))
        .isInstanceOf(ArithmeticException.class);
  }
}
