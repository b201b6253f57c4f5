package dev.tributary.server.model;

import java.util.Arrays;

/// One sequence to learn from: a prompt and the tokens that should follow it.
///
/// Token `i >= targetsFrom` is predicted from the tokens before it; the last token is predicted,
/// not read. Positions begin at 0. The arrays are not to be changed.
///
/// @param tokens ids of the prompt, `[0, targetsFrom)`, then of the targets
/// @param targetsFrom first target; at least 1, since the first token follows nothing, and below
///   the number of tokens
/// @param adapter that the row runs under, and whose gradients it adds to
/// @param weights factor of each target's loss in the gradient, `[targets]`; [GradientPass#losses]
///   leaves it out
public record TrainingRow(int[] tokens, int targetsFrom, Trainable adapter, float[] weights) {
  public TrainingRow {
    if (targetsFrom < 1 || targetsFrom >= tokens.length) {
      throw new IllegalArgumentException("targets from " + targetsFrom + " of " + tokens.length);
    }
    if (weights.length != tokens.length - targetsFrom) {
      throw new IllegalArgumentException(
          weights.length + " weights for " + (tokens.length - targetsFrom) + " targets");
    }
    for (float weight : weights) {
      if (!Float.isFinite(weight)) {
        throw new IllegalArgumentException("weight " + weight);
      }
    }
  }

  /// @param weight of every target, such as 1 / (targets of the batch)
  public TrainingRow(int[] tokens, int targetsFrom, Trainable adapter, float weight) {
    this(tokens, targetsFrom, adapter, same(tokens.length - targetsFrom, weight));
  }

  private static float[] same(int targets, float weight) {
    float[] weights = new float[Math.max(0, targets)];
    Arrays.fill(weights, weight);
    return weights;
  }

  /// Number of targets.
  public int targets() {
    return weights.length;
  }
}
