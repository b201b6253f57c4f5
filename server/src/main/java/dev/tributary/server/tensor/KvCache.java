package dev.tributary.server.tensor;

import java.util.function.LongFunction;

/// Keys and values of every cached token, float32, in pages of [#PAGE] tokens.
///
/// Rounded to bfloat16, as most servers keep them, they would be all that is inexact in a step:
/// then one position of 13,000 on general text under a sharp adapter (town-guide) answers another
/// token than the float32 oracle, by a lead of 0.98 nat. In float32 all agree. It costs twice the
/// cache's memory.
///
/// A page number addresses the same page in every layer; which sequence owns it is the scheduler's
/// business. Keys lie `[layer][page][kvHead][dim][slot]`, so that one vector holds a dimension of
/// 16 tokens and scores need no sum across lanes; values lie `[layer][page][kvHead][slot][dim]`.
public final class KvCache {
  /// Tokens a page.
  public static final int PAGE = 16;

  private final int layers;
  private final int pages;
  private final AttentionShape shape;
  private final Bytes keys;
  private final Bytes values;

  /// A cache in the host's memory.
  public KvCache(int layers, int pages, AttentionShape shape) {
    this(layers, pages, shape, Bytes::reserve);
  }

  /// @param reserve gives zeroed memory of so many bytes
  public KvCache(int layers, int pages, AttentionShape shape, LongFunction<Bytes> reserve) {
    this.layers = layers;
    this.pages = pages;
    this.shape = shape;
    keys = reserve.apply(layers * pages * pageBytes());
    values = reserve.apply(layers * pages * pageBytes());
  }

  /// Bytes that one page takes over all layers, keys and values.
  public static long bytesPerPage(int layers, AttentionShape shape) {
    return 2L * layers * shape.kvHeads() * shape.headDim() * PAGE * Float.BYTES;
  }

  public int pages() {
    return pages;
  }

  public int layers() {
    return layers;
  }

  /// Copies the first `slots` tokens of a page to another, in every layer: what sequences that
  /// begin alike share of a page that they fill differently.
  public void copy(int from, int to, int slots) {
    int dim = shape.headDim();
    for (int layer = 0; layer < layers; layer++) {
      for (int head = 0; head < shape.kvHeads(); head++) {
        long source = offset(layer, from, head);
        long target = offset(layer, to, head);
        for (int d = 0; d < dim; d++) {
          long row = (long) d * PAGE * Float.BYTES;
          keys.copyFrom(keys, source + row, target + row, (long) slots * Float.BYTES);
        }
        values.copyFrom(values, source, target, (long) slots * dim * Float.BYTES);
      }
    }
  }

  AttentionShape shape() {
    return shape;
  }

  Bytes keys() {
    return keys;
  }

  Bytes values() {
    return values;
  }

  /// Byte offset of `[layer][page][kvHead]`, in keys and values alike.
  long offset(int layer, int page, int kvHead) {
    return (((long) layer * pages + page) * shape.kvHeads() + kvHead)
        * shape.headDim()
        * PAGE
        * Float.BYTES;
  }

  private long pageBytes() {
    return (long) shape.kvHeads() * shape.headDim() * PAGE * Float.BYTES;
  }
}
