package dev.tributary.server.bench;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.Projection;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/// Adapters of small random bfloat16 weights on every linear layer, in memory: what they compute
/// costs what any adapter of their rank costs.
final class RandomAdapter {
  private static final float SPREAD = 0.01f;

  private RandomAdapter() {}

  static LoraWeights of(LlamaConfig config, int rank, long seed) {
    Random random = new Random(seed);
    Map<LoraWeights.Site, LoraWeights.Pair> pairs = new HashMap<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (Projection projection : Projection.values()) {
        pairs.put(
            new LoraWeights.Site(layer, projection),
            new LoraWeights.Pair(
                matrix(random, rank, config.inputs(projection)),
                matrix(random, rank, config.outputs(projection)),
                1));
      }
    }
    return new LoraWeights(pairs, Map.of(), Map.of(), null, bytes(config, rank));
  }

  /// Weights of such an adapter.
  static long elements(LlamaConfig config, int rank) {
    long each = 0;
    for (Projection projection : Projection.values()) {
      each += config.inputs(projection) + config.outputs(projection);
    }
    return each * rank * config.layers();
  }

  static long bytes(LlamaConfig config, int rank) {
    return elements(config, rank) * Short.BYTES;
  }

  private static Matrix matrix(Random random, int rows, int cols) {
    Matrix matrix = Matrix.allocate(DType.BF16, rows, cols);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < cols; j++) {
        matrix.set(i, j, SPREAD * (random.nextFloat() - 0.5f));
      }
    }
    return matrix;
  }
}
