package dev.tributary.server.model;

import dev.tributary.server.tensor.AttentionShape;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Reads a [LlamaConfig] from GGUF metadata or a Hugging Face `config.json`.
///
/// Every key that changes what the model computes is honoured or refused by name; a key that isn't
/// known is refused too, unless its value switches nothing on.
final class ConfigReader {
  private static final Set<String> FAMILIES = Set.of("llama", "qwen2", "qwen3");

  /// Keys of `config.json` that don't change what a served model computes.
  private static final List<String> HF_NEUTRAL =
      List.of(
          "architectures",
          "_name_or_path",
          "auto_map",
          "bos_token_id",
          "eos_token_id",
          "pad_token_id",
          "dtype",
          "torch_dtype",
          "transformers_version",
          "transformers.js_config",
          "use_cache",
          "initializer_range",
          "attention_dropout",
          "hidden_dropout",
          "model_type",
          "max_window_layers",
          "is_llama_config",
          "output_attentions",
          "output_hidden_states",
          "return_dict",
          "id2label",
          "label2id",
          "problem_type",
          "chunk_size_feed_forward",
          "unsloth_fixed",
          "unsloth_version",
          "task_specific_params");

  private ConfigReader() {}

  // ------------------------------------------------------------------------------------- GGUF

  /// @param tensors names of the file's tensors
  /// @param frequencies `rope_freqs.weight`, or null
  static LlamaConfig gguf(
      Map<String, Object> metadata, Set<String> tensors, float @Nullable [] frequencies) {
    Keys keys = new Keys("GGUF", metadata);
    String family = keys.text("general.architecture", "");
    if (!FAMILIES.contains(family)) {
      throw new ModelException(
          "general.architecture = " + family + " is not supported: only " + sorted(FAMILIES));
    }
    keys.require("general.type", "model");
    String p = family + ".";
    int hidden = keys.integer(p + "embedding_length");
    int heads = keys.integer(p + "attention.head_count");
    AttentionShape attention = shape(keys, p, hidden, heads);
    keys.require(p + "rope.dimension_count", (long) attention.headDim());
    int vocabulary =
        keys.integer(p + "vocab_size", listSize(keys.optional("tokenizer.ggml.tokens")));
    RotaryScaling rotary =
        new RotaryScaling(
            keys.real(p + "rope.freq_base", 10_000), ggufScaling(keys, p, frequencies));
    LlamaConfig config =
        new LlamaConfig(
            family,
            keys.integer(p + "block_count"),
            hidden,
            keys.integer(p + "feed_forward_length"),
            attention,
            vocabulary,
            keys.integer(p + "context_length"),
            (float) keys.real(p + "attention.layer_norm_rms_epsilon"),
            rotary,
            tensors.contains("blk.0.attn_q.bias"),
            tensors.contains("blk.0.attn_output.bias"),
            tensors.contains("blk.0.ffn_down.bias"),
            tensors.contains("blk.0.attn_q_norm.weight"),
            !tensors.contains("output.weight"));
    keys.refuseRest(p);
    keys.refuseRest("split.");
    keys.refuseRest("adapter.");
    return checked(config);
  }

  private static AttentionShape shape(Keys keys, String p, int hidden, int heads) {
    requirePositive(p + "attention.head_count", heads);
    int headDim = keys.integer(p + "attention.key_length", hidden / heads);
    keys.require(p + "attention.value_length", (long) headDim);
    return new AttentionShape(heads, keys.integer(p + "attention.head_count_kv", heads), headDim);
  }

  private static RotaryScaling.Kind ggufScaling(
      Keys keys, String p, float @Nullable [] frequencies) {
    String type = keys.text(p + "rope.scaling.type", "none");
    double factor = keys.real(p + "rope.scaling.factor", 1);
    int original = keys.integer(p + "rope.scaling.original_context_length", 0);
    keys.ignore(List.of(p + "rope.scaling.finetuned"));
    if (frequencies != null) {
      if (!type.equals("none")) {
        throw new ModelException("rope_freqs.weight together with rope.scaling.type = " + type);
      }
      return new RotaryScaling.Divisors(frequencies);
    }
    return switch (type) {
      case "none" -> new RotaryScaling.Plain();
      case "linear" -> new RotaryScaling.Linear(factor);
      case "yarn" -> {
        double attention = keys.real(p + "rope.scaling.attn_factor", 1);
        yield new RotaryScaling.Yarn(
            factor,
            original,
            keys.real(p + "rope.scaling.yarn_beta_fast", 32),
            keys.real(p + "rope.scaling.yarn_beta_slow", 1),
            attention * yarnMagnitude(factor, 1),
            true);
      }
      default -> throw new ModelException(p + "rope.scaling.type = " + type + " is not supported");
    };
  }

  private static int listSize(@Nullable Object value) {
    return value instanceof List<?> list ? list.size() : 0;
  }

  // ----------------------------------------------------------------------------- Hugging Face

  static LlamaConfig huggingFace(Map<String, Object> json, Set<String> tensors) {
    Keys keys = new Keys("config.json", json);
    String type = keys.text("model_type", "");
    String family = type.equals("mistral") ? "llama" : type;
    if (!FAMILIES.contains(family)) {
      throw new ModelException(
          "config.json model_type = "
              + type
              + " is not supported: only llama, mistral, qwen2, qwen3");
    }
    keys.ignore(HF_NEUTRAL);
    keys.require("hidden_act", "silu");
    keys.require("pretraining_tp", 1, 1L);
    keys.require("partial_rotary_factor", 1, 1L, 1.0);
    refuseWindow(keys);
    int hidden = keys.integer("hidden_size");
    int heads = keys.integer("num_attention_heads");
    requirePositive("num_attention_heads", heads);
    int context = keys.integer("max_position_embeddings");
    AttentionShape attention =
        new AttentionShape(
            heads,
            keys.integer("num_key_value_heads", heads),
            keys.integer("head_dim", hidden / heads));
    boolean bias = keys.flag("attention_bias", false);
    boolean tied = keys.flag("tie_word_embeddings", false);
    LlamaConfig config =
        new LlamaConfig(
            family,
            keys.integer("num_hidden_layers"),
            hidden,
            keys.integer("intermediate_size"),
            attention,
            keys.integer("vocab_size"),
            context,
            (float) keys.real("rms_norm_eps", 1e-6),
            hfRotary(keys, context),
            bias || family.equals("qwen2"),
            bias && !family.equals("qwen2"),
            keys.flag("mlp_bias", false),
            family.equals("qwen3"),
            tied || !tensors.contains("lm_head.weight"));
    keys.refuseRest("");
    return checked(config);
  }

  private static void refuseWindow(Keys keys) {
    boolean used = keys.flag("use_sliding_window", keys.has("sliding_window"));
    if (used && keys.has("sliding_window")) {
      throw new ModelException("config.json sliding_window is not supported");
    }
    Object layers = keys.optional("layer_types");
    if (layers instanceof List<?> list && !list.stream().allMatch("full_attention"::equals)) {
      throw new ModelException("config.json layer_types = " + list + " is not supported");
    }
  }

  private static RotaryScaling hfRotary(Keys keys, int context) {
    double theta = keys.real("rope_theta", 10_000);
    // transformers 5 writes rope_parameters, with the base inside; earlier versions rope_scaling.
    Keys scaling = keys.map("rope_parameters");
    if (scaling == null) {
      scaling = keys.map("rope_scaling");
    } else {
      keys.ignore(List.of("rope_scaling"));
    }
    if (scaling == null) {
      return new RotaryScaling(theta, new RotaryScaling.Plain());
    }
    double base = scaling.real("rope_theta", theta);
    String type = scaling.text("rope_type", scaling.text("type", "default"));
    scaling.ignore(List.of("type", "rope_type"));
    scaling.require("partial_rotary_factor", 1, 1L, 1.0);
    RotaryScaling.Kind kind =
        switch (type) {
          case "default" -> new RotaryScaling.Plain();
          case "linear" -> new RotaryScaling.Linear(scaling.real("factor"));
          case "llama3" ->
              new RotaryScaling.Llama3(
                  scaling.real("factor"),
                  scaling.real("low_freq_factor"),
                  scaling.real("high_freq_factor"),
                  scaling.integer("original_max_position_embeddings"));
          case "yarn" -> hfYarn(scaling, context);
          default ->
              throw new ModelException("config.json rope_type = " + type + " is not supported");
        };
    scaling.refuseRest("");
    return new RotaryScaling(base, kind);
  }

  /// As transformers' `_compute_yarn_parameters` reads it.
  private static RotaryScaling.Yarn hfYarn(Keys scaling, int context) {
    double factor = scaling.real("factor");
    double mscale = scaling.real("mscale", 0);
    double mscaleAll = scaling.real("mscale_all_dim", 0);
    double magnitude =
        mscale != 0 && mscaleAll != 0
            ? yarnMagnitude(factor, mscale) / yarnMagnitude(factor, mscaleAll)
            : yarnMagnitude(factor, 1);
    return new RotaryScaling.Yarn(
        factor,
        scaling.integer("original_max_position_embeddings", context),
        scaling.real("beta_fast", 32),
        scaling.real("beta_slow", 1),
        scaling.real("attention_factor", magnitude),
        scaling.flag("truncate", true));
  }

  /// Peng et al. 2023, equation 22.
  private static double yarnMagnitude(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
  }

  // ---------------------------------------------------------------------------------- shared

  private static LlamaConfig checked(LlamaConfig config) {
    requirePositive("layers", config.layers());
    requirePositive("hidden size", config.hidden());
    requirePositive("feed-forward size", config.feedForward());
    requirePositive("vocabulary", config.vocabulary());
    requirePositive("context", config.context());
    if (!(config.normEpsilon() > 0)) {
      throw new ModelException("norm epsilon = " + config.normEpsilon());
    }
    return config;
  }

  private static void requirePositive(String what, int value) {
    if (value < 1 || value > 1 << 24) {
      throw new ModelException(what + " = " + value + " is out of range");
    }
  }

  private static List<String> sorted(Set<String> names) {
    return names.stream().sorted().toList();
  }
}
