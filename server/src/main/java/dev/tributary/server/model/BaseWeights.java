package dev.tributary.server.model;

import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.LinearWeights;

/// What reading an adapter needs to know of the resident base.
public interface BaseWeights {
  LlamaConfig config();

  /// Dequantises one row of the base's weights into `row[0..config().inputs(projection))`.
  void row(LoraWeights.Site site, int output, float[] row);

  /// Whether all low-rank pairs of an adapter in memory are where steps read them. Any thread may
  /// ask.
  default boolean holds(LoraWeights adapter) {
    return true;
  }

  /// Packs a replacement of the output head for the device.
  Linear pack(LinearWeights weights);
}
