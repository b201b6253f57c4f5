package dev.tributary.server.bench;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.Projection;
import dev.tributary.server.tensor.KvCache;

/// What a step cannot do without: the memory it must read once and the arithmetic of its products.
///
/// @param bytes of weights, adapters, keys and values, as they are held
/// @param flops multiplications and additions of the linear layers, the head, the adapters and
///   attention
record Work(double bytes, double flops) {

  /// @param tokens of the step
  /// @param logitRows tokens whose logits are wanted
  /// @param keys keys that all tokens attend to, counted once a token
  /// @param cached of these, what is read from the cache, counted once a sequence
  /// @param adapted tokens under an adapter
  /// @param distinct adapters
  record Shape(int tokens, int logitRows, long keys, long cached, int adapted, int distinct) {}

  /// @param weightBytes of the base, resident
  static Work of(LlamaConfig config, long weightBytes, int rank, Shape shape) {
    double keyBytes =
        (double) KvCache.bytesPerPage(config.layers(), config.attention()) / KvCache.PAGE;
    double bytes =
        weightBytes
            + (double) shape.distinct() * RandomAdapter.bytes(config, rank)
            + shape.cached() * keyBytes;
    double linear = 0;
    for (Projection projection : Projection.values()) {
      linear += (double) config.inputs(projection) * config.outputs(projection);
    }
    double attended = 2.0 * config.attention().queryWidth() * config.layers();
    double multiplications =
        shape.tokens() * linear * config.layers()
            + (double) shape.logitRows() * config.vocabulary() * config.hidden()
            + (double) shape.adapted() * RandomAdapter.elements(config, rank)
            + shape.keys() * attended;
    return new Work(bytes, 2 * multiplications);
  }
}
