package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RowProductTest {
  private static final int COLUMN = 3;

  @ParameterizedTest
  @CsvSource({"1,1,1", "1,64,96", "7,130,33", "65,200,576", "4,63,5"})
  void products_areTheSumsInFloat64(int rows, int outputs, int inputs) {
    Random random = new Random(rows + 31L * outputs + inputs);
    Matrix x = random(random, rows, inputs);
    Matrix w = random(random, outputs, inputs);
    for (int threads : new int[] {1, 3}) {
      try (Ops ops = Ops.cpu(Libtorch.bundled(), threads)) {
        Matrix y = random(random, rows, outputs + 5);
        float before = y.get(rows - 1, 0);
        new RowProduct(ops).run(x, w::row, 0, outputs, y, COLUMN);
        for (int i = 0; i < rows; i++) {
          for (int n = 0; n < outputs; n++) {
            double sum = 0;
            for (int k = 0; k < inputs; k++) {
              sum += (double) x.get(i, k) * w.get(n, k);
            }
            assertThat((double) y.get(i, COLUMN + n)).isCloseTo(sum, within(1e-4));
          }
        }
        assertThat(y.get(rows - 1, 0)).isEqualTo(before);
      }
    }
  }

  @Test
  void bits_doNotDependOnHowOutputsAreCut() {
    Random random = new Random(5);
    Matrix x = random(random, 9, 70);
    Matrix w = random(random, 150, 70);
    try (Ops ops = Ops.cpu(Libtorch.bundled(), 2)) {
      RowProduct product = new RowProduct(ops);
      Matrix whole = Matrix.allocate(DType.F32, 9, 150);
      product.run(x, w::row, 0, 150, whole, 0);
      Matrix cut = Matrix.allocate(DType.F32, 9, 150);
      for (int from = 0; from < 150; from += 37) {
        product.run(x, w::row, from, Math.min(150, from + 37), cut, from);
      }
      for (int i = 0; i < 9; i++) {
        for (int n = 0; n < 150; n++) {
          assertThat(cut.get(i, n)).isEqualTo(whole.get(i, n));
        }
      }
    }
  }

  @Test
  void outputsBeyondTheColumns_areRefused() {
    Matrix x = Matrix.allocate(DType.F32, 2, 4);
    Matrix y = Matrix.allocate(DType.F32, 2, 4);
    assertThatThrownBy(() -> new RowProduct(Ops.reference()).run(x, (n, row) -> {}, 0, 4, y, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static Matrix random(Random random, int rows, int cols) {
    Matrix matrix = Matrix.allocate(DType.F32, rows, cols);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < cols; j++) {
        matrix.set(i, j, (float) random.nextGaussian());
      }
    }
    return matrix;
  }
}
