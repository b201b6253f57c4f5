package dev.tributary.server.attribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RidgeTest {
  @Test
  void inverse_timesTheMatrix_isTheIdentity() {
    Random random = new Random(1);
    for (int n = 1; n < 40; n += 3) {
      double[][] gram = gram(random, n, 1 + random.nextInt(60));
      double[][] kept = new double[n][];
      for (int i = 0; i < n; i++) {
        kept[i] = gram[i].clone();
        kept[i][i] += 0.3;
      }
      double[][] inverse = Ridge.inverse(gram, 0.3);
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          double sum = 0;
          for (int k = 0; k < n; k++) {
            sum += kept[i][k] * inverse[k][j];
          }
          assertThat(sum).as("%d: %d %d", n, i, j).isCloseTo(i == j ? 1 : 0, within(1e-9));
        }
      }
    }
  }

  @Test
  void inverse_ofNoGramMatrix_isRefused() {
    assertThatThrownBy(() -> Ridge.inverse(new double[][] {{0, 2}, {2, 0}}, 0.1))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("not positive definite");
  }

  private static double[][] gram(Random random, int n, int dimensions) {
    double[][] vectors = new double[n][dimensions];
    for (double[] vector : vectors) {
      for (int d = 0; d < dimensions; d++) {
        vector[d] = random.nextGaussian();
      }
    }
    double[][] gram = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        for (int d = 0; d < dimensions; d++) {
          gram[i][j] += vectors[i][d] * vectors[j][d];
        }
      }
    }
    return gram;
  }
}
