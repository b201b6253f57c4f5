package dev.tributary.server.train;

import dev.tributary.server.train.History.Evaluation;
import dev.tributary.server.train.History.Point;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/// What came of a member's run and what it cost; `training.json` of its folder. Losses are means of
/// -ln p a target token.
///
/// @param identity digests of what the values are a function of
/// @param baseName null if the base has none
/// @param examples trained on
/// @param heldOut examples not trained on
/// @param contributors examples trained on, of each
/// @param steps done
/// @param bestStep whose values these are; `steps` unless it ended early or kept the best
/// @param tokens trained on, prompts included, each as often as it was
/// @param seconds that it took, others in its run included
/// @param heldOutBefore under the base, null without held-out examples
/// @param heldOutAfter under the values as they are stored
/// @param generalBefore on the general text, under the base
/// @param generalAfter on the general text, under the adapter: what it forgot is the difference
/// @param adapterDigest of the folder
public record TrainingReport(
    String member,
    RunIdentity identity,
    @Nullable String baseName,
    RunSettings settings,
    int examples,
    int heldOut,
    SortedMap<String, Integer> contributors,
    int steps,
    int bestStep,
    long tokens,
    double seconds,
    double lastLoss,
    @Nullable Double heldOutBefore,
    @Nullable Double heldOutAfter,
    @Nullable Double generalBefore,
    @Nullable Double generalAfter,
    List<Point> curve,
    List<Evaluation> evaluations,
    String adapterDigest) {
  /// Its name in the folder.
  public static final String FILE = "training.json";

  public TrainingReport {
    curve = List.copyOf(curve);
    evaluations = List.copyOf(evaluations);
  }
}
