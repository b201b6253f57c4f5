package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FiniteTest {
  private static final float[] EXTREMES = {
    0, -0f, 1, -1, Float.MIN_VALUE, -Float.MIN_VALUE, 0x1.fep127f, -0x1.fep127f
  };

  private static final float[] BAD = {
    Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.intBitsToFloat(0xffc00001)
  };

  @ParameterizedTest
  @EnumSource(DType.class)
  void firstNot_anyPlace_isFound(DType type) {
    Random random = new Random(1);
    for (int cols = 1; cols <= 20; cols++) {
      Matrix matrix = Matrix.allocate(type, 3, cols);
      for (int i = 0; i < 3 * cols; i++) {
        matrix.set(i / cols, i % cols, EXTREMES[random.nextInt(EXTREMES.length)]);
      }
      assertThat(Finite.firstNot(matrix)).isEqualTo(-1);
      // From the last to the first: the others stay.
      for (int i = 3 * cols - 1; i >= 0; i--) {
        matrix.set(i / cols, i % cols, BAD[random.nextInt(BAD.length)]);
        assertThat(Finite.firstNot(matrix)).isEqualTo(i);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void firstNot_randomBits_isWhatEachNumberSays(DType type) {
    Random random = new Random(2);
    for (int round = 0; round < 2_000; round++) {
      Matrix matrix = Matrix.allocate(type, 1, 1 + random.nextInt(24));
      for (long at = 0; at < matrix.data().size(); at++) {
        matrix.data().put(at, (byte) random.nextInt());
      }
      int first = -1;
      for (int col = matrix.cols() - 1; col >= 0; col--) {
        first = Float.isFinite(matrix.get(0, col)) ? first : col;
      }
      assertThat(Finite.firstNot(matrix)).isEqualTo(first);
    }
  }
}
