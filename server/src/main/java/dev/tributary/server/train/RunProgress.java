package dev.tributary.server.train;

import org.jspecify.annotations.Nullable;

/// How far a run is, over all of its members.
///
/// @param step done
/// @param totalSteps at most
/// @param loss mean -ln p a target token over the last step, of the member that was last told of;
///   null before the first
/// @param heldOutLoss of the same, at the last evaluation; null if there is none
/// @param tokens trained on
/// @param elapsedMillis time, over all processes
/// @param remainingMillis estimate from this process's steps; null before its first
public record RunProgress(
    int step,
    int totalSteps,
    @Nullable Double loss,
    @Nullable Double heldOutLoss,
    long tokens,
    long elapsedMillis,
    @Nullable Long remainingMillis) {
  static final RunProgress NONE = new RunProgress(0, 0, null, null, 0, 0, null);
}
