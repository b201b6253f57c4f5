package dev.tributary.server.train;

import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Trainable;
import dev.tributary.server.tensor.Matrix;

/// The values a run begins with, as in PEFT: B is zero, and A uniform in ±1/sqrt(inputs), which is
/// what `kaiming_uniform_` with a = sqrt(5) comes to (He et al. 2015). So the run begins as the
/// base.
final class FirstValues {
  private FirstValues() {}

  /// Fills the A of every pair; each layer's numbers depend on no other.
  static void fill(Trainable adapter, long seed) {
    adapter.pairs().forEach((site, pair) -> fill(site, pair, seed));
  }

  private static void fill(Site site, Pair pair, long seed) {
    Draw draw =
        new Draw(seed, Draw.Purpose.FIRST_VALUES, site.layer(), site.projection().ordinal());
    Matrix a = pair.a();
    float bound = (float) (1 / Math.sqrt(a.cols()));
    for (int row = 0; row < a.rows(); row++) {
      for (int col = 0; col < a.cols(); col++) {
        a.set(row, col, bound * (2 * draw.unit() - 1));
      }
    }
  }
}
