package dev.tributary.server.model;

import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
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

  /// Threads that [#forEach] works on.
  default int workers() {
    return 1;
  }

  /// Runs `work` once for each of `items` between steps, and returns when all are done: what a step
  /// leaves to do for each of its rows, on the threads that computed it.
  default void forEach(int items, Ops.ItemWork work) {
    for (int item = 0; item < items; item++) {
      work.run(0, item);
    }
  }
}
