package dev.tributary.server.model;

/// The linear layers of a block, by their Hugging Face names.
public enum Projection {
  Q("self_attn.q_proj"),
  K("self_attn.k_proj"),
  V("self_attn.v_proj"),
  O("self_attn.o_proj"),
  GATE("mlp.gate_proj"),
  UP("mlp.up_proj"),
  DOWN("mlp.down_proj");

  private final String path;

  Projection(String path) {
    this.path = path;
  }

  /// Name below `model.layers.N.`, such as `self_attn.q_proj`.
  public String path() {
    return path;
  }

  /// Full module name in the Hugging Face model, such as `model.layers.3.mlp.up_proj`.
  public String module(int layer) {
    return "model.layers." + layer + "." + path;
  }
}
