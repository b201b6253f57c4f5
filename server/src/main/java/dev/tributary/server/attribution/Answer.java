package dev.tributary.server.attribution;

import java.util.Arrays;

/// An answer of one adapter version. The arrays are not to be changed.
///
/// @param prompt token ids
/// @param output token ids, with the token that ended it if one did
/// @param drawn probability with which each token of the output was drawn; NaN for one that a logit
///   bias changed
/// @param base probability with which the base alone would have drawn it, with the same sampling
public record Answer(int[] prompt, int[] output, float[] drawn, float[] base) {
  public Answer {
    if (prompt.length == 0 || drawn.length != output.length || base.length != output.length) {
      throw new IllegalArgumentException(
          "%d tokens, %d and %d probabilities".formatted(output.length, drawn.length, base.length));
    }
  }

  public Sequence sequence() {
    int[] tokens = Arrays.copyOf(prompt, prompt.length + output.length);
    System.arraycopy(output, 0, tokens, prompt.length, output.length);
    return new Sequence(tokens, prompt.length);
  }
}
