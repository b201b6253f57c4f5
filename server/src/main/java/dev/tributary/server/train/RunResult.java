package dev.tributary.server.train;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a run's adapter learned and what that cost; see [TrainingReport].
///
/// @param curve at most [#POINTS], evenly spread
public record RunResult(
    int steps,
    int bestStep,
    long tokens,
    double seconds,
    double loss,
    @Nullable Double heldOutBefore,
    @Nullable Double heldOutAfter,
    @Nullable Double generalBefore,
    @Nullable Double generalAfter,
    List<Point> curve) {
  /// Of a curve that is kept.
  static final int POINTS = 256;

  /// @param step after which, from 1
  /// @param loss mean -ln p of a target
  public record Point(int step, double loss) {}

  public RunResult {
    curve = List.copyOf(curve);
  }

  static RunResult of(TrainingReport report) {
    return new RunResult(
        report.steps(),
        report.bestStep(),
        report.tokens(),
        report.seconds(),
        report.lastLoss(),
        report.heldOutBefore(),
        report.heldOutAfter(),
        report.generalBefore(),
        report.generalAfter(),
        thinned(report.curve()));
  }

  /// The last point always stays.
  private static List<Point> thinned(List<History.Point> curve) {
    int every = Math.max(1, Math.ceilDiv(curve.size(), POINTS));
    List<Point> kept = new ArrayList<>();
    for (int i = curve.size() - 1; i >= 0; i -= every) {
      kept.addFirst(new Point(curve.get(i).step(), curve.get(i).loss()));
    }
    return kept;
  }
}
