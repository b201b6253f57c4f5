package dev.tributary.server.model;

/// One sequence to learn from: a prompt and the tokens that should follow it.
///
/// Token `i >= targetsFrom` is predicted from the tokens before it; the last token is predicted,
/// not read. Positions begin at 0.
///
/// @param tokens ids of the prompt, `[0, targetsFrom)`, then of the targets
/// @param targetsFrom first target; at least 1, since the first token follows nothing, and below
///   the number of tokens
/// @param adapter that the row runs under, and whose gradients it adds to
/// @param weight factor of each target's loss in the gradient, such as 1 / (targets of the batch);
///   [GradientPass#losses] leaves it out
public record TrainingRow(int[] tokens, int targetsFrom, Trainable adapter, float weight) {
  public TrainingRow {
    if (targetsFrom < 1 || targetsFrom >= tokens.length) {
      throw new IllegalArgumentException("targets from " + targetsFrom + " of " + tokens.length);
    }
    if (!Float.isFinite(weight)) {
      throw new IllegalArgumentException("weight " + weight);
    }
  }

  /// Number of targets.
  public int targets() {
    return tokens.length - targetsFrom;
  }
}
