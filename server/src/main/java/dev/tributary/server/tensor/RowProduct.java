package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;

/// `y = x Wᵀ` in float32 by weights of which nothing is resident: rows of `W` are asked for when
/// they are needed, and forgotten. For what goes through a model once, at its file's own precision.
///
/// All matrices are in the host's memory. Every element adds its terms in their order
/// ([FloatProduct]), so neither the number of workers nor how outputs are cut into calls changes a
/// bit. Called by the thread that owns `ops`.
public final class RowProduct {
  /// Outputs of one panel: four vectors of [FloatProduct]'s tiles.
  private static final int PANEL = 64;

  /// Rows of a matrix of weights `[outputs, inputs]`.
  @FunctionalInterface
  public interface Rows {
    /// Writes row `output` to `row[0..inputs)`; called by several threads at once.
    void row(int output, float[] row);
  }

  private final Ops ops;
  private final Scratch[] scratches;

  /// @param ops whose threads do the work
  public RowProduct(Ops ops) {
    this.ops = ops;
    scratches = new Scratch[ops.workers()];
    for (int i = 0; i < scratches.length; i++) {
      scratches[i] = new Scratch();
    }
  }

  /// `y[:, column .. column + to - from) = x W[from .. to)ᵀ`.
  ///
  /// @param x float32 `[rows, inputs]`
  /// @param y float32 `[rows, any]`
  public void run(Matrix x, Rows weights, int from, int to, Matrix y, int column) {
    Checks.rowProduct(x, from, to, y, column);
    ops.forEach(
        Math.ceilDiv(to - from, PANEL),
        (worker, panel) -> {
          int first = from + panel * PANEL;
          int outputs = Math.min(PANEL, to - first);
          panel(x, weights, first, outputs, y, column + first - from, scratches[worker]);
        });
  }

  private static void panel(
      Matrix x, Rows weights, int first, int outputs, Matrix y, int column, Scratch scratch) {
    int inputs = x.cols();
    float[] row = scratch.floats(inputs);
    MemorySegment panel = scratch.bytes(4L * inputs * outputs).segment();
    for (int output = 0; output < outputs; output++) {
      weights.row(first + output, row);
      for (int k = 0; k < inputs; k++) {
        panel.set(Bytes.FLOAT, 4L * ((long) k * outputs + output), row[k]);
      }
    }
    FloatProduct.run(
        FloatProduct.Place.of(x, 0, 0),
        new FloatProduct.Place(panel, 0, 4L * outputs, Float.BYTES),
        FloatProduct.Place.of(y, 0, column),
        x.rows(),
        outputs,
        inputs,
        1,
        false,
        scratch);
  }
}
