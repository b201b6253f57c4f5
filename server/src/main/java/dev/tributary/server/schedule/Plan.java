package dev.tributary.server.schedule;

import java.util.List;

/// What the next step computes.
///
/// @param admitted sequences that left the queue, in order
/// @param slices decode rows first, then chunks of prompts; a sequence has at most one
public record Plan(List<Long> admitted, List<Slice> slices) {
  public Plan {
    admitted = List.copyOf(admitted);
    slices = List.copyOf(slices);
  }

  public boolean isEmpty() {
    return slices.isEmpty();
  }

  /// Tokens `[position, position + count)` of a sequence.
  ///
  /// @param pages page table of the whole sequence, the same array in every plan
  /// @param decode the token was generated; else they are the prompt's
  public record Slice(long id, int position, int count, int[] pages, boolean decode) {}
}
