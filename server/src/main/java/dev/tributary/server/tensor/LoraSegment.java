package dev.tributary.server.tensor;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What adapters do to one product `y = x Wᵀ` in rows `[from, to)`: `y = outputScale * (y + sum of
/// scale * B (A x))`, the terms in the order of the request.
///
/// @param terms empty where no adapter touches this layer
/// @param outputScale `[columns of y]`, DoRA's magnitude over norm, or null
public record LoraSegment(int from, int to, List<Term> terms, float @Nullable [] outputScale) {
  public LoraSegment {
    if (from < 0 || to <= from) {
      throw new IllegalArgumentException("rows [" + from + ", " + to + ")");
    }
  }

  /// One low-rank pair (Hu et al. 2021, section 4.1).
  ///
  /// @param a `[rank, inputs]`
  /// @param bt `[rank, outputs]`: `B` transposed, so that a vector holds neighbouring outputs
  /// @param scale alpha / rank (or / sqrt(rank)) times the request's scale
  /// @param column first column of `y` that the pair's outputs add to
  public record Term(Matrix a, Matrix bt, float scale, int column) {
    public Term {
      if (a.rows() != bt.rows()) {
        throw new IllegalArgumentException("rank " + a.rows() + " against " + bt.rows());
      }
    }
  }
}
