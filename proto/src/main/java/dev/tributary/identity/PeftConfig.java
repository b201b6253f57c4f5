package dev.tributary.identity;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import java.util.TreeSet;
import org.erdtman.jcs.JsonCanonicalizer;
import org.jspecify.annotations.Nullable;

/// What a PEFT `adapter_config.json` says about an adapter's function, with defaults filled in and
/// every value checked. [#parse] states what is done with each key.
///
/// Module names are those that PEFT sees: `model.layers.0.self_attn.q_proj`, `lm_head`. Each
/// question about one takes printable ASCII of at most [ModulePattern#MAX_NAME_CHARS] characters.
///
/// @param baseModel `base_model_name_or_path`, which names the base it was trained on; null if it
///   says none. Not part of the adapter's identity
/// @param r rank of modules without a rule of their own, in `[1, MAX_RANK]`
/// @param loraAlpha numerator of the scaling of modules without a rule of their own, positive
/// @param useRslora scale by alpha / sqrt(r) instead of alpha / r
/// @param useDora weight-decomposed: each module has a magnitude vector
/// @param rankPattern ranks of modules that match; the first match counts
/// @param alphaPattern alphas of modules that match; the first match counts
/// @param targetModules which linear layers it changes
/// @param layersToTransform indices of the layers that it is limited to, ascending; empty: all
/// @param layersPattern what the list of layers is called; empty: anything
/// @param modulesToSave modules that it replaces whole, sorted
public record PeftConfig(
    @Nullable String baseModel,
    int r,
    double loraAlpha,
    boolean useRslora,
    boolean useDora,
    List<RankRule> rankPattern,
    List<AlphaRule> alphaPattern,
    TargetModules targetModules,
    List<Integer> layersToTransform,
    List<String> layersPattern,
    List<String> modulesToSave) {

  /// Longest file in bytes.
  public static final int MAX_BYTES = 1 << 20;

  /// Highest rank of any module.
  public static final int MAX_RANK = 1_024;

  /// Highest alpha of any module.
  public static final double MAX_ALPHA = 1e6;

  /// PEFT's own defaults.
  static final int DEFAULT_RANK = 8;

  static final double DEFAULT_ALPHA = 8;

  /// The rank of modules that match.
  public record RankRule(ModulePattern pattern, int r) {
    public RankRule {
      requireRank("rank_pattern", r);
    }
  }

  /// The alpha of modules that match.
  public record AlphaRule(ModulePattern pattern, double alpha) {
    public AlphaRule {
      requireAlpha("alpha_pattern", alpha);
    }
  }

  public PeftConfig {
    requireRank("r", r);
    requireAlpha("lora_alpha", loraAlpha);
    rankPattern = List.copyOf(rankPattern);
    alphaPattern = List.copyOf(alphaPattern);
    layersToTransform = List.copyOf(new TreeSet<>(layersToTransform));
    layersPattern = List.copyOf(layersPattern);
    modulesToSave = List.copyOf(new TreeSet<>(modulesToSave));
    if (!layersToTransform.isEmpty() && !(targetModules instanceof TargetModules.Names)) {
      throw new PeftConfigException(
          "layers_to_transform", "works only where target_modules is a list");
    }
    if (!layersPattern.isEmpty() && layersToTransform.isEmpty()) {
      throw new PeftConfigException("layers_pattern", "works only with layers_to_transform");
    }
  }

  /// Parses an `adapter_config.json`. Its keys are
  ///
  /// - honoured: `peft_type` (`LORA` only), `r`, `lora_alpha`, `use_rslora`, `use_dora`,
  ///   `rank_pattern`, `alpha_pattern`, `target_modules`, `layers_to_transform`, `layers_pattern`,
  ///   `modules_to_save`, `bias` (`none` only), `task_type` (`CAUSAL_LM` or null only) and
  ///   `base_model_name_or_path`;
  /// - training only, and ignored: `lora_dropout`, `inference_mode`, `peft_version`,
  ///   `megatron_core`, `auto_mapping`, `revision`, `qalora_group_size`, and `init_lora_weights`
  ///   where it is true, false, `gaussian` or `eva`;
  /// - refused unless null, false or empty: all others, known or not.
  ///
  /// The file is UTF-8 JSON without duplicate keys, at most [#MAX_BYTES] long.
  ///
  /// @throws PeftConfigException if it is malformed or asks for what is not supported; names the
  ///   key
  public static PeftConfig parse(byte[] json) {
    return PeftConfigReader.read(json);
  }

  /// Whether the adapter changes the linear layer of this name. As in PEFT, `layers_to_transform`
  /// does not limit names that the list of target modules spells out whole.
  public boolean targets(String moduleName) {
    if (isReplaced(moduleName) || !targetModules.contains(moduleName)) {
      return false;
    }
    return layersToTransform.isEmpty()
        || (targetModules instanceof TargetModules.Names(List<String> names)
            && names.contains(moduleName))
        || layersToTransform.contains(layerIndex(moduleName));
  }

  /// Whether the adapter replaces the module of this name whole (`modules_to_save`). As in PEFT, an
  /// entry is any ending: `norm` is also the end of `input_layernorm`.
  public boolean saves(String moduleName) {
    return modulesToSave.stream().anyMatch(moduleName::endsWith);
  }

  /// The rank of the module of this name, if it is targeted.
  public int rank(String moduleName) {
    return rankPattern.stream()
        .filter(rule -> rule.pattern().matches(moduleName))
        .findFirst()
        .map(RankRule::r)
        .orElse(r);
  }

  /// The alpha of the module of this name, if it is targeted.
  public double alpha(String moduleName) {
    return alphaPattern.stream()
        .filter(rule -> rule.pattern().matches(moduleName))
        .findFirst()
        .map(AlphaRule::alpha)
        .orElse(loraAlpha);
  }

  /// What the module's B A x is multiplied by: alpha / r, or alpha / sqrt(r) with rank-stabilised
  /// scaling.
  public double scaling(String moduleName) {
    int rank = rank(moduleName);
    return alpha(moduleName) / (useRslora ? Math.sqrt(rank) : rank);
  }

  /// The RFC 8785 form that is hashed into the adapter digest: an object with exactly the keys
  /// `alpha_pattern`, `bias`, `layers_pattern`, `layers_to_transform`, `lora_alpha`,
  /// `modules_to_save`, `peft_type`, `r`, `rank_pattern`, `target_modules`, `use_dora`,
  /// `use_rslora`, defaults filled in.
  ///
  /// Since the first matching pattern counts, `rank_pattern` and `alpha_pattern` are arrays of
  /// `[pattern, value]` in the file's order. `target_modules` is a sorted array of distinct names,
  /// or the regular expression, or `"all-linear"`; `layers_to_transform` (ascending) and
  /// `modules_to_save` (sorted) are arrays, or null where there is none; so is `layers_pattern`, in
  /// the file's order.
  public byte[] canonicalJson() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("peft_type", "LORA").put("bias", "none");
    root.put("r", r).put("lora_alpha", loraAlpha);
    root.put("use_rslora", useRslora).put("use_dora", useDora);
    ArrayNode ranks = root.putArray("rank_pattern");
    rankPattern.forEach(rule -> ranks.addArray().add(rule.pattern().toString()).add(rule.r()));
    ArrayNode alphas = root.putArray("alpha_pattern");
    alphaPattern.forEach(
        rule -> alphas.addArray().add(rule.pattern().toString()).add(rule.alpha()));
    switch (targetModules) {
      case TargetModules.Names(List<String> names) -> putStrings(root, "target_modules", names);
      case TargetModules.Regex(ModulePattern pattern) ->
          root.put("target_modules", pattern.toString());
      case TargetModules.AllLinear() -> root.put("target_modules", "all-linear");
    }
    putStrings(root, "layers_pattern", layersPattern);
    putStrings(root, "modules_to_save", modulesToSave);
    if (layersToTransform.isEmpty()) {
      root.putNull("layers_to_transform");
    } else {
      ArrayNode layers = root.putArray("layers_to_transform");
      layersToTransform.forEach(layers::add);
    }
    try {
      return new JsonCanonicalizer(root.toString()).getEncodedUTF8();
    } catch (IOException e) {
      throw new AssertionError("JSON written by Jackson is JSON", e);
    }
  }

  private static void putStrings(ObjectNode root, String key, List<String> strings) {
    if (strings.isEmpty()) {
      root.putNull(key);
    } else {
      strings.forEach(root.putArray(key)::add);
    }
  }

  /// PEFT never adapts what is replaced whole, nor anything inside of it.
  private boolean isReplaced(String moduleName) {
    String path = "." + moduleName + ".";
    return modulesToSave.stream().anyMatch(name -> path.contains("." + name + "."));
  }

  /// The first number that follows the list of layers' name and is followed by something; -1 if
  /// there is none.
  private int layerIndex(String moduleName) {
    List<String> parts = List.of(moduleName.split("\\.", -1));
    if (layersPattern.isEmpty()) {
      return layerIndex(parts, 2, null);
    }
    return layersPattern.stream()
        .mapToInt(name -> layerIndex(parts, 1, name))
        .filter(index -> index >= 0)
        .findFirst()
        .orElse(-1);
  }

  private static int layerIndex(List<String> parts, int start, @Nullable String listName) {
    for (int i = start; i < parts.size() - 1; i++) {
      if (parts.get(i).matches("[0-9]{1,9}")
          && (listName == null || listName.equals(parts.get(i - 1)))) {
        return Integer.parseInt(parts.get(i));
      }
    }
    return -1;
  }

  private static void requireRank(String key, int rank) {
    if (rank < 1 || rank > MAX_RANK) {
      throw new PeftConfigException(key, "a rank is in [1, %d]: %d".formatted(MAX_RANK, rank));
    }
  }

  private static void requireAlpha(String key, double alpha) {
    // The negation also catches NaN.
    if (!(alpha > 0 && alpha <= MAX_ALPHA)) {
      throw new PeftConfigException(
          key, "an alpha is in (0, %.0f]: %s".formatted(MAX_ALPHA, alpha));
    }
  }
}
