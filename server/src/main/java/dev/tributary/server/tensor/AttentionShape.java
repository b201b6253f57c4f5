package dev.tributary.server.tensor;

/// Grouped-query attention: query head `h` reads key and value head `h / (heads / kvHeads)`.
///
/// A row of the fused projection is `[heads x headDim | kvHeads x headDim | kvHeads x headDim]`:
/// queries, keys, values.
public record AttentionShape(int heads, int kvHeads, int headDim) {
  public AttentionShape {
    if (heads < 1 || kvHeads < 1 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(heads + " heads over " + kvHeads + " key/value heads");
    }
    if (headDim < 2 || headDim % 2 != 0) {
      throw new IllegalArgumentException("head dimension " + headDim);
    }
  }

  /// Columns of the queries.
  public int queryWidth() {
    return heads * headDim;
  }

  /// Columns of the keys, and of the values.
  public int kvWidth() {
    return kvHeads * headDim;
  }

  /// Columns of the fused projection.
  public int width() {
    return queryWidth() + 2 * kvWidth();
  }
}
