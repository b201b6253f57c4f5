package dev.tributary.server.model;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.DType;
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
/// The pairs lie in one region, in the order in which a step reads them ([Room]): what a row pays
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

  /// Copies `pairs`.
  ///
  /// @param pairs low-rank pairs by the layer they adapt
  public LoraWeights(
      Map<Site, Pair> pairs,
      Map<Site, float[]> magnitudes,
      Map<NormSite, float[]> norms,
      @Nullable Head head,
      long bytes) {
    this(Room.of(pairs), magnitudes, norms, head, bytes);
  }

  /// @param room with the values of the pairs in it; closed with the weights
  /// @param magnitudes DoRA (Liu et al. 2024, section 4.1): per output `m / ‖W + s B A‖` at scale
  ///   1, by layer; empty for plain LoRA
  /// @param norms replacements of norm weights (PEFT's `modules_to_save`)
  /// @param head replacement of the output head, or null
  /// @param bytes memory that all of it takes
  public LoraWeights(
      Room room,
      Map<Site, float[]> magnitudes,
      Map<NormSite, float[]> norms,
      @Nullable Head head,
      long bytes) {
    pairs = room.pairs;
    region = room.region;
    this.magnitudes = Map.copyOf(magnitudes);
    this.norms = Map.copyOf(norms);
    this.head = head;
    this.bytes = bytes;
    int layers = 1 + pairs.keySet().stream().mapToInt(Site::layer).max().orElse(-1);
    places = new Pair[layers * PROJECTIONS];
    pairs.forEach((site, pair) -> places[place(site.layer(), site.projection())] = pair);
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

  /// What a [Pair] is without its values.
  ///
  /// @param a type of A
  /// @param bt type of B
  public record Form(DType a, DType bt, int rank, int inputs, int outputs, float scaling) {
    static Form of(Pair pair) {
      return new Form(
          pair.a().type(),
          pair.bt().type(),
          pair.a().rows(),
          pair.a().cols(),
          pair.bt().cols(),
          pair.scaling());
    }

    private long bytes() {
      return size(a, rank, inputs) + size(bt, rank, outputs);
    }

    private Pair at(Bytes region, long at) {
      long split = size(a, rank, inputs);
      return new Pair(
          new Matrix(region.slice(at, split), a, rank, inputs),
          new Matrix(region.slice(at + split, size(bt, rank, outputs)), bt, rank, outputs),
          scaling);
    }

    /// Bytes of a matrix, in whole cache lines.
    private static long size(DType type, int rows, int cols) {
      return Math.ceilDiv((long) rows * cols * type.bytes(), ALIGNMENT) * ALIGNMENT;
    }
  }

  /// Pairs of zeros side by side, to be filled. Closed by the weights that are made of it, or by
  /// who made it if none are.
  public static final class Room implements AutoCloseable {
    private final Region region;
    private final Map<Site, Pair> pairs;

    public Room(Map<Site, Form> forms) {
      List<Site> order = new ArrayList<>(forms.keySet());
      order.sort(Comparator.comparingInt(Site::layer).thenComparing(Site::projection));
      region = Region.allocate(forms.values().stream().mapToLong(Form::bytes).sum());
      Map<Site, Pair> places = new HashMap<>();
      long at = 0;
      for (Site site : order) {
        Form form = Objects.requireNonNull(forms.get(site));
        places.put(site, form.at(region.bytes(), at));
        at += form.bytes();
      }
      pairs = Map.copyOf(places);
    }

    private static Room of(Map<Site, Pair> pairs) {
      Map<Site, Form> forms = new HashMap<>();
      pairs.forEach((site, pair) -> forms.put(site, Form.of(pair)));
      Room room = new Room(forms);
      room.pairs.forEach(
          (site, place) -> {
            Pair pair = Objects.requireNonNull(pairs.get(site));
            copy(pair.a(), place.a());
            copy(pair.bt(), place.bt());
          });
      return room;
    }

    private static void copy(Matrix from, Matrix to) {
      for (int row = 0; row < from.rows(); row++) {
        to.copyRow(from, row, row);
      }
    }

    /// The places of the pairs.
    public Map<Site, Pair> pairs() {
      return pairs;
    }

    /// The whole region, with what lies between the matrices.
    Bytes bytes() {
      return region.bytes();
    }

    @Override
    public void close() {
      region.close();
    }
  }
}
