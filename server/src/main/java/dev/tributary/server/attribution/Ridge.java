package dev.tributary.server.attribution;

/// The inverse of a Gram matrix with something added to its diagonal, by Cholesky decomposition
/// (Golub and Van Loan, "Matrix Computations", section 4.2).
final class Ridge {
  private Ridge() {}

  /// `(gram + lambda I)^-1`.
  ///
  /// @param gram `[n][n]`, symmetric and positive semidefinite; overwritten
  /// @param lambda above 0
  static double[][] inverse(double[][] gram, double lambda) {
    int n = gram.length;
    for (int i = 0; i < n; i++) {
      gram[i][i] += lambda;
    }
    decompose(gram);
    invert(gram);
    // The inverse is the product of the inverted factor's transpose and the factor.
    double[][] inverse = new double[n][n];
    for (int k = 0; k < n; k++) {
      double[] row = gram[k];
      for (int i = 0; i <= k; i++) {
        double factor = row[i];
        double[] to = inverse[i];
        for (int j = 0; j <= i; j++) {
          to[j] += factor * row[j];
        }
      }
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < i; j++) {
        inverse[j][i] = inverse[i][j];
      }
    }
    return inverse;
  }

  /// The lower triangle becomes L with `L L^T` = what it was.
  private static void decompose(double[][] a) {
    for (int i = 0; i < a.length; i++) {
      double[] row = a[i];
      for (int j = 0; j <= i; j++) {
        double[] other = a[j];
        double sum = row[j];
        for (int k = 0; k < j; k++) {
          sum -= row[k] * other[k];
        }
        if (j < i) {
          row[j] = sum / other[j];
        } else if (sum > 0) {
          row[i] = Math.sqrt(sum);
        } else {
          throw new ArithmeticException("a Gram matrix is not positive definite");
        }
      }
    }
  }

  /// The lower triangle becomes its inverse.
  private static void invert(double[][] lower) {
    for (int i = 0; i < lower.length; i++) {
      double[] row = lower[i];
      double[] inverted = new double[i + 1];
      for (int k = 0; k < i; k++) {
        double factor = row[k];
        double[] above = lower[k];
        for (int j = 0; j <= k; j++) {
          inverted[j] -= factor * above[j];
        }
      }
      double diagonal = row[i];
      for (int j = 0; j < i; j++) {
        row[j] = inverted[j] / diagonal;
      }
      row[i] = 1 / diagonal;
    }
  }
}
