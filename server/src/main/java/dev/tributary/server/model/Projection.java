package dev.tributary.server.model;

/// The linear layers of a block.
public enum Projection {
  Q("self_attn.q_proj", "attn_q"),
  K("self_attn.k_proj", "attn_k"),
  V("self_attn.v_proj", "attn_v"),
  O("self_attn.o_proj", "attn_output"),
  GATE("mlp.gate_proj", "ffn_gate"),
  UP("mlp.up_proj", "ffn_up"),
  DOWN("mlp.down_proj", "ffn_down");

  private final String path;
  private final String ggufName;

  Projection(String path, String ggufName) {
    this.path = path;
    this.ggufName = ggufName;
  }

  /// Name below `blk.N.` in GGUF files.
  String ggufName() {
    return ggufName;
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
