package dev.tributary.server.train;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights.Form;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Projection;
import dev.tributary.server.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Which layers are adapted, and how wide.
///
/// @param useRslora scales by alpha / sqrt(rank) (Kalajdzievski 2023) instead of alpha / rank
/// @param targetModules suffixes of module names, such as `q_proj`; empty: all linear layers
public record LoraShape(int rank, float alpha, boolean useRslora, List<String> targetModules) {
  /// Rank 16, alpha 32, all linear layers.
  public static final LoraShape DEFAULT = new LoraShape(16, 32, false, List.of());

  private static final int MOST_RANK = 1024;

  public LoraShape {
    InvalidSettingException.require(
        rank >= 1 && rank <= MOST_RANK, "rank", rank, "between 1 and " + MOST_RANK);
    InvalidSettingException.require(
        alpha > 0 && Float.isFinite(alpha), "alpha", alpha, "finite and above 0");
    targetModules = List.copyOf(targetModules);
    for (String target : targetModules) {
      if (Arrays.stream(Projection.values()).noneMatch(layer -> matches(layer, target))) {
        throw new InvalidSettingException(
            "target_modules", "has \"" + target + "\", which no linear layer's name ends in");
      }
    }
  }

  /// What `B A` is multiplied with.
  public float scaling() {
    return (float) (useRslora ? alpha / Math.sqrt(rank) : alpha / rank);
  }

  private static boolean matches(Projection layer, String target) {
    return ("." + layer.path()).endsWith("." + target);
  }

  /// The layers of a block that are adapted.
  List<Projection> projections() {
    return Arrays.stream(Projection.values())
        .filter(
            layer ->
                targetModules.isEmpty()
                    || targetModules.stream().anyMatch(target -> matches(layer, target)))
        .toList();
  }

  /// What `adapter_config.json` names: as given, or the last parts of all layers' names.
  List<String> targetNames() {
    if (!targetModules.isEmpty()) {
      return targetModules;
    }
    List<String> names = new ArrayList<>();
    for (Projection layer : Projection.values()) {
      names.add(layer.path().substring(layer.path().lastIndexOf('.') + 1));
    }
    return names;
  }

  /// Bytes of the weights of an adapter that is served: bfloat16.
  long servedBytes(LlamaConfig base) {
    return forms(base).values().stream()
        .mapToLong(form -> 2L * form.rank() * (form.inputs() + form.outputs()))
        .sum();
  }

  /// The float32 pairs that are trained on a base of this shape.
  Map<Site, Form> forms(LlamaConfig base) {
    Map<Site, Form> forms = new HashMap<>();
    for (int layer = 0; layer < base.layers(); layer++) {
      for (Projection projection : projections()) {
        forms.put(
            new Site(layer, projection),
            new Form(
                DType.F32,
                DType.F32,
                rank,
                base.inputs(projection),
                base.outputs(projection),
                scaling()));
      }
    }
    return forms;
  }
}
