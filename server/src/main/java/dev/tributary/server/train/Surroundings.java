package dev.tributary.server.train;

import java.util.List;
import java.util.function.LongSupplier;

/// What runs are made with.
///
/// @param general texts on which forgetting is measured
record Surroundings(
    Gradients gradients,
    Device device,
    TrainingBase base,
    Capacity capacity,
    Cadence cadence,
    List<int[]> general,
    LongSupplier nanoTime,
    Disk disk) {
  Surroundings {
    if (gradients.maxTokens() < capacity.passTokens()) {
      throw new IllegalArgumentException(
          "passes of " + gradients.maxTokens() + " tokens, not " + capacity.passTokens());
    }
    general = List.copyOf(general);
    for (int[] text : general) {
      if (text.length < 2 || text.length > capacity.microTokens()) {
        throw new IllegalArgumentException("a general text of " + text.length + " tokens");
      }
    }
  }
}
