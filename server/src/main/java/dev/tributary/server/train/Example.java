package dev.tributary.server.train;

import dev.tributary.tlog.Hash;

/// One contribution, as it is trained on. The arrays are not to be changed.
///
/// @param line of the file it came from, from 1
/// @param digest [dev.tributary.record.ContributionRecord#digest] of its messages: what its leaf
///   commits to
/// @param tokens prompt, answer and end of turn
/// @param targetsFrom index of the answer's first token: a loss is taken of predicting
///   `tokens[targetsFrom..]`
public record Example(long line, String contributor, Hash digest, int[] tokens, int targetsFrom) {
  public Example {
    if (targetsFrom < 1 || targetsFrom >= tokens.length) {
      throw new IllegalArgumentException(
          "targets from " + targetsFrom + " of " + tokens.length + " tokens");
    }
  }

  /// Tokens that a loss is taken of.
  public int targets() {
    return tokens.length - targetsFrom;
  }
}
