package dev.tributary.server.train;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// How far a member is.
///
/// @param step done
/// @param totalSteps at most
/// @param loss mean -ln p a target token over the last step; null before the first
/// @param heldOutLoss over the held-out examples, at the last evaluation; null if there is none
/// @param tokens trained on
/// @param elapsed time, over all processes
public record Progress(
    String member,
    int step,
    int totalSteps,
    @Nullable Double loss,
    @Nullable Double heldOutLoss,
    long tokens,
    Duration elapsed) {}
