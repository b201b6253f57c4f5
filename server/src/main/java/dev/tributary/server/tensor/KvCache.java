package dev.tributary.server.tensor;

/// Keys and values of every cached token, bfloat16, in pages of [#PAGE] tokens.
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

  public KvCache(int layers, int pages, AttentionShape shape) {
    this.layers = layers;
    this.pages = pages;
    this.shape = shape;
    keys = Bytes.reserve(layers * pages * pageBytes());
    values = Bytes.reserve(layers * pages * pageBytes());
  }

  /// Bytes that one page takes over all layers, keys and values.
  public static long bytesPerPage(int layers, AttentionShape shape) {
    return 2L * layers * shape.kvHeads() * shape.headDim() * PAGE * 2;
  }

  public int pages() {
    return pages;
  }

  public int layers() {
    return layers;
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
    return (((long) layer * pages + page) * shape.kvHeads() + kvHead) * shape.headDim() * PAGE * 2;
  }

  private long pageBytes() {
    return 2L * shape.kvHeads() * shape.headDim() * PAGE;
  }
}
