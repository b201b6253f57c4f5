package dev.tributary.server.attribution;

/// A prompt and its answer. The array is not to be changed.
///
/// @param targetsFrom index of the answer's first token
public record Sequence(int[] tokens, int targetsFrom) {
  public Sequence {
    if (targetsFrom < 1 || targetsFrom >= tokens.length) {
      throw new IllegalArgumentException("an answer from " + targetsFrom + " of " + tokens.length);
    }
  }

  /// Tokens of the answer.
  public int targets() {
    return tokens.length - targetsFrom;
  }
}
