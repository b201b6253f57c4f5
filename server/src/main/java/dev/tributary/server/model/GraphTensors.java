package dev.tributary.server.model;

import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import dev.tributary.server.weights.Gguf;
import dev.tributary.server.weights.StoredTensor;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The tensors of a checkpoint by their place in the graph, whatever the file calls them: shapes
/// checked, rows in the order of Hugging Face.
final class GraphTensors {
  private final Checkpoint checkpoint;
  private final LlamaConfig config;
  private final boolean gguf;

  GraphTensors(Checkpoint checkpoint, LlamaConfig config) {
    this.checkpoint = checkpoint;
    this.config = config;
    gguf = checkpoint instanceof Gguf;
  }

  /// `[vocabulary, hidden]`.
  StoredTensor embedding() {
    return table(gguf ? "token_embd" : "model.embed_tokens");
  }

  /// `[vocabulary, hidden]`; the embedding where the head is tied.
  StoredTensor head() {
    return config.tiedHead() ? embedding() : table(gguf ? "output" : "lm_head");
  }

  float[] finalNorm() {
    return vector(gguf ? "output_norm" : "model.norm", config.hidden());
  }

  float[] attentionNorm(int layer) {
    return vector(norm(layer, "attn_norm", "input_layernorm"), config.hidden());
  }

  float[] feedForwardNorm(int layer) {
    return vector(norm(layer, "ffn_norm", "post_attention_layernorm"), config.hidden());
  }

  /// Null where the family has none.
  Ops.@Nullable HeadNorms headNorms(int layer) {
    if (!config.headNorms()) {
      return null;
    }
    int dim = config.attention().headDim();
    return new Ops.HeadNorms(
        vector(norm(layer, "attn_q_norm", "self_attn.q_norm"), dim),
        vector(norm(layer, "attn_k_norm", "self_attn.k_norm"), dim),
        config.normEpsilon());
  }

  /// `[outputs, inputs]`.
  StoredTensor projection(int layer, Projection projection) {
    StoredTensor tensor =
        tensor(
            name(layer, projection) + ".weight",
            config.outputs(projection),
            config.inputs(projection));
    return inOrder(projection, tensor);
  }

  /// The biases of projections, side by side.
  float[] bias(int layer, Projection... projections) {
    int width = 0;
    for (Projection projection : projections) {
      width += config.outputs(projection);
    }
    float[] joined = new float[width];
    int at = 0;
    for (Projection projection : projections) {
      StoredTensor tensor = tensor(name(layer, projection) + ".bias", config.outputs(projection));
      float[] bias = inOrder(projection, tensor).toFloats();
      System.arraycopy(bias, 0, joined, at, bias.length);
      at += bias.length;
    }
    return joined;
  }

  /// A tensor that was not asked for would mean another function.
  ///
  /// @throws ModelException naming those
  void refuseUnread() {
    Set<String> rest = new TreeSet<>(checkpoint.unread());
    rest.removeIf(name -> name.endsWith(".rotary_emb.inv_freq")); // computed, in old checkpoints
    if (config.tiedHead()) {
      rest.remove("lm_head.weight"); // some checkpoints store the embedding twice
    }
    if (!rest.isEmpty()) {
      throw new ModelException("the model has tensors that its architecture does not: " + rest);
    }
  }

  /// GGUF files of the llama architecture interleave the halves of each query and key head, which
  /// rotate together; adapters, and our rotation, take them in Hugging Face's order.
  private StoredTensor inOrder(Projection projection, StoredTensor tensor) {
    boolean interleaved = gguf && config.family().equals("llama");
    return switch (projection) {
      case Q -> interleaved ? tensor.unpermuted(config.attention().heads()) : tensor;
      case K -> interleaved ? tensor.unpermuted(config.attention().kvHeads()) : tensor;
      case V, O, GATE, UP, DOWN -> tensor;
    };
  }

  private String norm(int layer, String ggufName, String hfName) {
    return gguf ? "blk." + layer + "." + ggufName : "model.layers." + layer + "." + hfName;
  }

  private String name(int layer, Projection projection) {
    return gguf ? "blk." + layer + "." + projection.ggufName() : projection.module(layer);
  }

  private StoredTensor table(String name) {
    return tensor(name + ".weight", config.vocabulary(), config.hidden());
  }

  private float[] vector(String name, int length) {
    return tensor(name + ".weight", length).toFloats();
  }

  private StoredTensor tensor(String name, long... shape) {
    if (!checkpoint.tensorNames().contains(name)) {
      throw new ModelException("the model lacks tensor " + name);
    }
    return checkpoint.tensor(name).requireShape(shape);
  }
}
