package dev.tributary.server.model;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Region;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// One adapter version in memory, in the form the graph applies. Two are the same only if they are
/// one object.
///
/// The pairs are copied into one region, in the order in which a step reads them: what a row pays
/// for its adapter is the time to stream that region.
///
/// The region is freed when the last who holds the weights lets go of them: whoever makes them
/// holds them, a row of the engine does while it may run, and a tier while it keeps them.
public final class LoraWeights {
  /// Cache lines and the widest vectors are 64 bytes.
  private static final long ALIGNMENT = 64;

  private static final int PROJECTIONS = Projection.values().length;

  private final Map<Site, Pair> pairs;
  private final Map<Site, float[]> magnitudes;
  private final Map<NormSite, float[]> norms;
  private final @Nullable Head head;
  private final long bytes;
  private final Region region;
  private final AtomicInteger holders = new AtomicInteger(1);

  /// `pairs` by layer, then projection: a step asks for every one of them.
  private final @Nullable Pair[] places;

  /// @param pairs low-rank pairs by the layer they adapt
  /// @param magnitudes DoRA (Liu et al. 2024, section 4.1): per output `m / ‖W + s B A‖` at scale
  ///   1, by layer; empty for plain LoRA
  /// @param norms replacements of norm weights (PEFT's `modules_to_save`)
  /// @param head replacement of the output head, or null
  /// @param bytes memory that all of it takes
  public LoraWeights(
      Map<Site, Pair> pairs,
      Map<Site, float[]> magnitudes,
      Map<NormSite, float[]> norms,
      @Nullable Head head,
      long bytes) {
    this.magnitudes = Map.copyOf(magnitudes);
    this.norms = Map.copyOf(norms);
    this.head = head;
    this.bytes = bytes;
    List<Site> order = new ArrayList<>(pairs.keySet());
    order.sort(Comparator.comparingInt(Site::layer).thenComparing(Site::projection));
    places = new Pair[order.isEmpty() ? 0 : (order.getLast().layer() + 1) * PROJECTIONS];
    region = Region.allocate(pairs.values().stream().mapToLong(LoraWeights::size).sum());
    Map<Site, Pair> copies = new HashMap<>();
    long at = 0;
    for (Site site : order) {
      Pair pair = Objects.requireNonNull(pairs.get(site));
      Matrix a = copy(pair.a(), region.bytes(), at);
      Matrix bt = copy(pair.bt(), region.bytes(), at + size(pair.a()));
      Pair copy = new Pair(a, bt, pair.scaling());
      copies.put(site, copy);
      places[place(site.layer(), site.projection())] = copy;
      at += size(pair);
    }
    this.pairs = Map.copyOf(copies);
  }

  /// Holds the weights in memory until [#release]. False if they are freed already.
  public boolean retain() {
    return holders.getAndUpdate(count -> count == 0 ? 0 : count + 1) > 0;
  }

  /// Ends one hold. The last frees the memory: whoever uses the weights then gets an
  /// [IllegalStateException].
  public void release() {
    int before = holders.getAndDecrement();
    if (before < 1) {
      throw new IllegalStateException("released more often than held");
    }
    if (before == 1) {
      region.close();
      if (head != null) {
        head.linear().close();
        head.memory().close();
      }
    }
  }

  private static int place(int layer, Projection projection) {
    return layer * PROJECTIONS + projection.ordinal();
  }

  private static long size(Pair pair) {
    return size(pair.a()) + size(pair.bt());
  }

  /// Bytes of `matrix`, in whole cache lines.
  private static long size(Matrix matrix) {
    long size = (long) matrix.rows() * matrix.cols() * matrix.type().bytes();
    return Math.ceilDiv(size, ALIGNMENT) * ALIGNMENT;
  }

  private static Matrix copy(Matrix matrix, Bytes region, long at) {
    Matrix copy =
        new Matrix(region.slice(at, size(matrix)), matrix.type(), matrix.rows(), matrix.cols());
    for (int row = 0; row < matrix.rows(); row++) {
      copy.copyRow(matrix, row, row);
    }
    return copy;
  }

  public Map<Site, Pair> pairs() {
    return pairs;
  }

  public Map<Site, float[]> magnitudes() {
    return magnitudes;
  }

  public Map<NormSite, float[]> norms() {
    return norms;
  }

  public @Nullable Linear head() {
    return head == null ? null : head.linear();
  }

  public long bytes() {
    return bytes;
  }

  /// The pair of a linear layer, or null.
  @Nullable Pair pair(int layer, Projection projection) {
    int place = place(layer, projection);
    return place < places.length ? places[place] : null;
  }

  /// Whether the adapter can only be used by itself and as trained: what it replaces, or scales by
  /// a norm, does not add up with other adapters or at other scales.
  public boolean alone() {
    return !magnitudes.isEmpty() || !norms.isEmpty() || head != null;
  }

  /// A linear layer of a block.
  public record Site(int layer, Projection projection) {}

  /// A norm: `layer` -1 is the final one (with [Norm#FINAL]).
  public record NormSite(int layer, Norm norm) {}

  /// The norms of a block, and the final one.
  public enum Norm {
    /// `input_layernorm`
    ATTENTION,
    /// `post_attention_layernorm`
    FEED_FORWARD,
    /// `self_attn.q_norm`
    QUERY,
    /// `self_attn.k_norm`
    KEY,
    /// `model.norm`
    FINAL
  }

  /// A replaced output head.
  ///
  /// @param memory that `linear` may refer to; closed with the weights
  public record Head(Linear linear, Region memory) {}

  /// `scaling * B A`.
  ///
  /// @param a `[rank, inputs]`, float32 or bfloat16 as the file has it (float16 widened to float32)
  /// @param bt `[rank, outputs]`, `B` transposed
  /// @param scaling alpha / rank, or alpha / sqrt(rank) with rsLoRA
  public record Pair(Matrix a, Matrix bt, float scaling) {}
}
