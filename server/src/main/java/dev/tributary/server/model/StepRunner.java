package dev.tributary.server.model;

import dev.tributary.server.tensor.Matrix;
import java.util.List;

/// Computes one step: [Llama], or a fake in tests of what calls it.
public interface StepRunner {
  /// Most tokens that one step may hold.
  int maxTokens();

  /// Rows of a step from which the wide path is the faster; [Integer#MAX_VALUE] where there is
  /// none.
  int wideFrom();

  /// Prepares the calling thread, once, before its first step.
  void claimThread();

  /// Runs `spans` together, writing their keys and values, and returns the logits that they ask
  /// for: float32 `[sum of logitRows, vocabulary]` in the order of the spans, valid until the next
  /// call.
  Matrix run(List<Span> spans);
}
