package dev.tributary.server.engine;

import java.util.Arrays;

/// With what probability each token of an answer was drawn, had there been no bias.
///
/// Bias is the caller's own doing, so nobody's data is credited with a token that it may have
/// brought about: one that has a bias itself, or that would not have been drawn without (at
/// temperature 0 that is any but the largest logit's). Other tokens' biases shift the shares of
/// those that remain; that is undone here.
final class DrawnTokens {
  private final Sampling sampling;
  private final Sampling unbiased;
  private float[] drawn = new float[16];
  private int count;

  DrawnTokens(Sampling sampling) {
    this.sampling = sampling;
    unbiased = sampling.unbiased();
  }

  /// Takes the token that `sampler` has just chosen.
  ///
  /// @param counts as they were for the choice
  void add(Sampler sampler, int id, TokenCounts counts) {
    if (count == drawn.length) {
      drawn = Arrays.copyOf(drawn, 2 * count);
    }
    drawn[count++] =
        sampling.logitBias().isEmpty() ? sampler.drawn() : withoutBias(sampler, id, counts);
  }

  private float withoutBias(Sampler sampler, int id, TokenCounts counts) {
    if (sampling.logitBias().containsKey(id)) {
      return Float.NaN;
    }
    float probability = sampler.probability(id, unbiased, counts);
    return probability == 0 ? Float.NaN : probability;
  }

  /// In the order of the tokens; NaN where bias may have changed the choice.
  float[] probabilities() {
    return Arrays.copyOf(drawn, count);
  }
}
