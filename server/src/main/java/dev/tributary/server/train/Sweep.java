package dev.tributary.server.train;

import dev.tributary.server.model.Trainable;
import dev.tributary.server.tensor.AdamStep;
import java.util.function.BooleanSupplier;

/// Moves one member's values by its gradients, piece by piece, and clears the gradients: first
/// their norm, then AdamW on what clipping leaves of them. A norm that is not finite moves nothing.
final class Sweep implements BooleanSupplier {
  /// Floats of a piece: some milliseconds, and a multiple of what the kernels sum at a time.
  private static final long PIECE = 1 << 20;

  private final Gradients gradients;
  private final MemberRun run;
  private final Trainable adapter;
  private final int step;
  private double squares;
  private long measured;
  private long moved;

  Sweep(Gradients gradients, MemberRun run) {
    this.gradients = gradients;
    this.run = run;
    adapter = run.adapter();
    step = run.history().step;
  }

  @Override
  public boolean getAsBoolean() {
    long floats = adapter.floats();
    if (measured < floats) {
      long to = Math.min(floats, measured + PIECE);
      squares += gradients.sumOfSquares(adapter.gradientValues(), measured, to);
      measured = to;
      return true;
    }
    double norm = Math.sqrt(squares);
    if (!Double.isFinite(norm)) {
      run.diverge("the gradient's norm is " + norm);
      return false;
    }
    long to = Math.min(floats, moved + PIECE);
    gradients.adam(
        adapter.values(),
        adapter.gradientValues(),
        run.first().bytes(),
        run.second().bytes(),
        moved,
        to,
        adam(norm));
    moved = to;
    if (moved < floats) {
      return true;
    }
    adapter.clearGradients();
    return false;
  }

  /// As torch's `clip_grad_norm_` and `AdamW`.
  private AdamStep adam(double norm) {
    Optimization o = run.member().settings().optimization();
    double scale = o.clipNorm() == 0 ? 1 : Math.min(1, o.clipNorm() / (norm + 1e-6));
    return new AdamStep(
        (float) o.rate(step, run.member().steps()),
        (float) Optimization.BETA1,
        (float) Optimization.BETA2,
        (float) Optimization.EPSILON,
        (float) o.weightDecay(),
        (float) (1 - StrictMath.pow(Optimization.BETA1, step + 1.0)),
        (float) (1 - StrictMath.pow(Optimization.BETA2, step + 1.0)),
        (float) scale);
  }
}
