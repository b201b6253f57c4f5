package dev.tributary.server.train;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where a member's run is, and how it came there: what its checkpoint has besides values. Not
/// thread safe.
final class History {
  /// Points of a loss curve, at most about so many.
  private static final int POINTS = 2_000;

  /// Steps done.
  int step;

  /// Tokens trained on, prompts included.
  long tokens;

  /// Time that it took, of all processes.
  long nanos;

  /// Losses and targets of the epoch so far.
  double epochLoss;

  long epochTargets;

  /// Mean loss of the last step.
  double lastLoss;

  List<Point> curve = new ArrayList<>();
  List<Evaluation> evaluations = new ArrayList<>();

  /// Mean loss on the general text under the base.
  @Nullable Double generalBefore;

  /// Mean loss on the held-out examples under the base.
  @Nullable Double heldOutBefore;

  @Nullable Double bestLoss;
  int bestStep;
  int sinceBest;

  /// @param step after which, from 1
  /// @param loss mean -ln p of a target
  record Point(int step, double loss) {}

  /// @param loss mean over the epoch's targets, each under the values of its step
  /// @param heldOut mean over all held-out targets; null if there are none
  record Evaluation(int epoch, int step, double loss, @Nullable Double heldOut) {}

  /// One more step.
  ///
  /// @param loss summed over `targets`
  void stepped(double loss, long targets, long read, int steps) {
    step++;
    tokens += read;
    epochLoss += loss;
    epochTargets += targets;
    lastLoss = loss / targets;
    if (step % Math.ceilDiv(steps, POINTS) == 0 || step == steps) {
      curve.add(new Point(step, lastLoss));
    }
  }

  /// The end of an epoch.
  ///
  /// @return whether these are the best values so far
  boolean evaluated(int epoch, @Nullable Double heldOut) {
    evaluations.add(new Evaluation(epoch, step, epochLoss / epochTargets, heldOut));
    epochLoss = 0;
    epochTargets = 0;
    if (heldOut == null) {
      return false;
    }
    if (bestLoss == null || heldOut < bestLoss) {
      bestLoss = heldOut;
      bestStep = step;
      sinceBest = 0;
      return true;
    }
    sinceBest++;
    return false;
  }

  @Nullable Double lastHeldOut() {
    return evaluations.isEmpty() ? heldOutBefore : evaluations.getLast().heldOut();
  }
}
