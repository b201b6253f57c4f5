package dev.tributary.server.model;

import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.Matrix;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One adapter version in memory, in the form the graph applies.
///
/// @param pairs low-rank pairs by the layer they adapt
/// @param magnitudes DoRA (Liu et al. 2024, section 4.1): per output `m / ‖W + s B A‖` at scale 1,
///   by layer; empty for plain LoRA
/// @param norms replacements of norm weights (PEFT's `modules_to_save`)
/// @param head replacement of the output head, or null
/// @param bytes memory that all of it takes
public record LoraWeights(
    Map<Site, Pair> pairs,
    Map<Site, float[]> magnitudes,
    Map<NormSite, float[]> norms,
    @Nullable Linear head,
    long bytes) {
  public LoraWeights {
    pairs = Map.copyOf(pairs);
    magnitudes = Map.copyOf(magnitudes);
    norms = Map.copyOf(norms);
  }

  /// Two adapters are the same only if they are one: comparing weights would be slow and useless.
  @Override
  public boolean equals(@Nullable Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
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

  /// `scaling * B A`.
  ///
  /// @param a `[rank, inputs]`, float32 or bfloat16 as the file has it (float16 widened to float32)
  /// @param bt `[rank, outputs]`, `B` transposed
  /// @param scaling alpha / rank, or alpha / sqrt(rank) with rsLoRA
  public record Pair(Matrix a, Matrix bt, float scaling) {}
}
