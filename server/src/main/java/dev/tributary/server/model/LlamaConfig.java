package dev.tributary.server.model;

import dev.tributary.server.tensor.AttentionShape;

/// The shape of a Llama-family model. [ConfigReader] reads it from GGUF metadata or `config.json`.
///
/// @param family as the file names it: `llama`, `qwen2`, `qwen3`
/// @param hidden width of the residual stream
/// @param feedForward inner width of the feed-forward block
/// @param context longest sequence in tokens
/// @param tiedHead the output head is the embedding table
public record LlamaConfig(
    String family,
    int layers,
    int hidden,
    int feedForward,
    AttentionShape attention,
    int vocabulary,
    int context,
    float normEpsilon,
    RotaryScaling rotary,
    boolean qkvBias,
    boolean outputBias,
    boolean feedForwardBias,
    boolean headNorms,
    boolean tiedHead) {

  /// Inputs of a projection.
  public int inputs(Projection projection) {
    return switch (projection) {
      case Q, K, V, GATE, UP -> hidden;
      case O -> attention.queryWidth();
      case DOWN -> feedForward;
    };
  }

  /// Outputs of a projection.
  public int outputs(Projection projection) {
    return switch (projection) {
      case Q -> attention.queryWidth();
      case K, V -> attention.kvWidth();
      case O, DOWN -> hidden;
      case GATE, UP -> feedForward;
    };
  }
}
