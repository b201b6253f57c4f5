package dev.tributary.server.schedule;

import dev.tributary.identity.ComputePath;
import java.util.List;

/// What the next step computes.
///
/// @param admitted sequences that left the queue for the first time, in order
/// @param slices decode rows first, then chunks of prompts; a sequence has at most one
public record Plan(List<Sequence> admitted, List<Slice> slices) {
  public Plan {
    admitted = List.copyOf(admitted);
    slices = List.copyOf(slices);
  }

  public boolean isEmpty() {
    return slices.isEmpty();
  }

  /// Tokens `[position, position + count)` of a sequence.
  ///
  /// @param path that all of them take
  /// @param logitsFrom index in the sequence of the first token whose logits are wanted; at or past
  ///   the end wants none
  /// @param pages page table of the sequence, reaching to the last token
  public record Slice(
      Sequence sequence, int position, int count, ComputePath path, int logitsFrom, int[] pages) {
    public long id() {
      return sequence.id();
    }

    /// Position after the last token.
    public int end() {
      return position + count;
    }

    /// Tokens of the prompt among them.
    public int promptTokens() {
      return Math.clamp(sequence.promptTokens() - position, 0, count);
    }
  }
}
