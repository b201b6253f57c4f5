package dev.tributary.server.model;

import dev.tributary.identity.ComputePath;
import java.util.List;

/// Consecutive tokens of one sequence that a step computes: one when decoding, a chunk of the
/// prompt in prefill.
///
/// @param tokens ids, at least one
/// @param position index of the first in its sequence
/// @param pages page table of the sequence, reaching at least to the last token
/// @param adapters in the order of the request; empty is the base
/// @param path in a step, spans of the narrow path come before those of the wide
/// @param logitsFrom logits are wanted of tokens `[logitsFrom, tokens.length)`; `tokens.length`
///   wants none
public record Span(
    int[] tokens,
    int position,
    int[] pages,
    List<AdapterUse> adapters,
    ComputePath path,
    int logitsFrom) {
  public Span {
    if (tokens.length == 0 || position < 0) {
      throw new IllegalArgumentException(tokens.length + " tokens at " + position);
    }
    if (logitsFrom < 0 || logitsFrom > tokens.length) {
      throw new IllegalArgumentException("logits from " + logitsFrom + " of " + tokens.length);
    }
  }

  /// Number of logit rows that a step returns for this span.
  public int logitRows() {
    return tokens.length - logitsFrom;
  }
}
