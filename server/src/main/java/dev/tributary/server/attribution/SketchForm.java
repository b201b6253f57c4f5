package dev.tributary.server.attribution;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights.Form;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.tensor.DType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// What of a gradient is kept.
///
/// @param lowestLayer gradients of layers below are not computed
/// @param values of a pair: each row of B, transposed, is folded into `values / rank` of them
/// @param seed of which output goes into which bucket, with which sign
public record SketchForm(int lowestLayer, int values, long seed) {
  /// Of a pair; 36 KB a cluster where all linear layers of the default base are adapted.
  private static final int VALUES = 512;

  public SketchForm {
    if (lowestLayer < 0 || values < 1 || values > 1 << 20) {
      throw new IllegalArgumentException(lowestLayer + " layers, " + values + " values");
    }
  }

  /// The upper third of the layers.
  public static SketchForm of(LlamaConfig config) {
    return new SketchForm(2 * config.layers() / 3, VALUES, 1);
  }

  /// Of each row of a pair of this rank.
  int buckets(int rank) {
    return Math.max(1, values / rank);
  }

  /// Of the pairs that are kept of an adapter, in their order.
  List<Site> sites(Map<Site, Pair> pairs) {
    List<Site> kept = new ArrayList<>(pairs.keySet());
    kept.removeIf(site -> site.layer() < lowestLayer);
    kept.sort(Comparator.comparingInt(Site::layer).thenComparing(Site::projection));
    return kept;
  }

  /// As an adapter under training has them.
  Map<Site, Form> forms(Map<Site, Pair> pairs) {
    Map<Site, Form> forms = new HashMap<>();
    for (Site site : sites(pairs)) {
      Pair pair = pairs.get(site);
      if (pair != null) {
        forms.put(
            site,
            new Form(
                DType.F32,
                DType.F32,
                pair.a().rows(),
                pair.a().cols(),
                pair.bt().cols(),
                pair.scaling()));
      }
    }
    return forms;
  }
}
