package dev.tributary.server.tensor;

import java.util.List;

/// What adapters under training do to one product in rows `[from, to)`, and where its gradients go.
/// All of it is float32.
///
/// @param terms with different columns of the product
public record LoraGradient(int from, int to, List<Term> terms) {
  public LoraGradient {
    if (from < 0 || to <= from) {
      throw new IllegalArgumentException("rows [" + from + ", " + to + ")");
    }
  }

  /// One low-rank pair with its gradients.
  ///
  /// @param pair as the forward pass applied it
  /// @param a gradient of A, `[rank, inputs]`, which is added to
  /// @param bt gradient of B transposed, `[rank, outputs]`, which is added to
  public record Term(LoraSegment.Term pair, Matrix a, Matrix bt) {
    public Term {
      if (a.rows() != pair.a().rows()
          || a.cols() != pair.a().cols()
          || bt.rows() != pair.bt().rows()
          || bt.cols() != pair.bt().cols()) {
        throw new IllegalArgumentException("gradients of another shape than the pair");
      }
    }
  }
}
