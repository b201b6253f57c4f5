package dev.tributary.server.engine;

import java.util.List;

/// A token's log probability: natural log softmax of the raw logits.
///
/// @param logprob NaN for the first token of an echoed prompt, which has none
/// @param top the most likely tokens at this place, ties to the lowest id; may hold the token
///   itself
public record TokenLogprob(int id, float logprob, List<Alternative> top) {
  public TokenLogprob {
    top = List.copyOf(top);
  }

  /// One of the most likely tokens.
  public record Alternative(int id, float logprob) {}
}
