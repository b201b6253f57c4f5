package dev.tributary.server.model;

import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.LinearWeights;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import dev.tributary.server.weights.Gguf;
import dev.tributary.server.weights.HfDirectory;
import dev.tributary.server.weights.LinearStack;
import dev.tributary.server.weights.Quantizer;
import dev.tributary.server.weights.StoredTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Makes a [Llama] of a [Checkpoint]: names, orders and packs the weights.
///
/// A tensor that the graph does not use is refused by name: it would mean another function.
public final class LlamaLoader {
  private static final String FREQUENCIES = "rope_freqs.weight";

  private final Checkpoint checkpoint;
  private final LlamaConfig config;
  private final Ops ops;
  private final boolean gguf;

  private LlamaLoader(Checkpoint checkpoint, LlamaConfig config, Ops ops) {
    this.checkpoint = checkpoint;
    this.config = config;
    this.ops = ops;
    gguf = checkpoint instanceof Gguf;
  }

  /// The shape of the model, or [ModelException] naming what isn't supported.
  public static LlamaConfig config(Checkpoint checkpoint) {
    return switch (checkpoint) {
      case Gguf gguf ->
          ConfigReader.gguf(
              gguf.metadata(),
              gguf.tensorNames(),
              gguf.tensorNames().contains(FREQUENCIES)
                  ? gguf.tensor(FREQUENCIES).toFloats()
                  : null);
      case HfDirectory directory ->
          ConfigReader.huggingFace(directory.metadata(), directory.tensorNames());
    };
  }

  /// Loads the weights onto `ops`.
  ///
  /// @param pages pages of the key/value cache
  /// @param maxTokens most tokens a step
  public static Llama load(
      Checkpoint checkpoint, LlamaConfig config, Ops ops, int pages, int maxTokens) {
    LlamaLoader loader = new LlamaLoader(checkpoint, config, ops);
    Llama.Weights weights = loader.weights();
    loader.refuseUnread();
    ops.ready();
    return new Llama(config, ops, weights, pages, maxTokens);
  }

  private Llama.Weights weights() {
    Linear embedding = table(gguf ? "token_embd" : "model.embed_tokens");
    Linear head = config.tiedHead() ? embedding : table(gguf ? "output" : "lm_head");
    // Packing is native and plain copying: blocks are independent.
    List<Llama.Block> blocks =
        IntStream.range(0, config.layers()).parallel().mapToObj(this::block).toList();
    return new Llama.Weights(
        embedding, blocks, vector(gguf ? "output_norm" : "model.norm", config.hidden()), head);
  }

  private Llama.Block block(int layer) {
    ops.claimThread();
    int qkvWidth = config.attention().width();
    return new Llama.Block(
        vector(norm(layer, "attn_norm", "input_layernorm"), config.hidden()),
        joint(layer, Projection.Q, Projection.K, Projection.V),
        config.qkvBias() ? bias(layer, qkvWidth, Projection.Q, Projection.K, Projection.V) : null,
        headNorms(layer),
        joint(layer, Projection.O),
        config.outputBias() ? bias(layer, config.hidden(), Projection.O) : null,
        vector(norm(layer, "ffn_norm", "post_attention_layernorm"), config.hidden()),
        joint(layer, Projection.GATE, Projection.UP),
        config.feedForwardBias()
            ? bias(layer, 2 * config.feedForward(), Projection.GATE, Projection.UP)
            : null,
        joint(layer, Projection.DOWN),
        config.feedForwardBias() ? bias(layer, config.hidden(), Projection.DOWN) : null);
  }

  private JointLinear joint(int layer, Projection... projections) {
    List<LinearWeights> weights = new ArrayList<>();
    for (Projection projection : projections) {
      StoredTensor tensor =
          tensor(
              name(layer, projection) + ".weight",
              config.outputs(projection),
              config.inputs(projection));
      // A Hugging Face checkpoint's layers are quantised here; its embedding and head are not.
      weights.add(gguf ? inOrder(projection, tensor).toLinear() : Quantizer.quantize(tensor));
    }
    List<LinearWeights> stacked = LinearStack.of(weights).map(List::of).orElse(weights);
    boolean outliers = List.of(projections).contains(Projection.DOWN);
    return JointLinear.of(
        config,
        List.of(projections),
        stacked.stream().map(each -> ops.pack(each, outliers)).toList());
  }

  private float[] bias(int layer, int width, Projection... projections) {
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

  private Ops.@Nullable HeadNorms headNorms(int layer) {
    if (!config.headNorms()) {
      return null;
    }
    int dim = config.attention().headDim();
    return new Ops.HeadNorms(
        vector(norm(layer, "attn_q_norm", "self_attn.q_norm"), dim),
        vector(norm(layer, "attn_k_norm", "self_attn.k_norm"), dim),
        config.normEpsilon());
  }

  private String norm(int layer, String ggufName, String hfName) {
    return gguf ? "blk." + layer + "." + ggufName : "model.layers." + layer + "." + hfName;
  }

  private String name(int layer, Projection projection) {
    return gguf ? "blk." + layer + "." + projection.ggufName() : projection.module(layer);
  }

  private Linear table(String name) {
    return ops.pack(tensor(name + ".weight", config.vocabulary(), config.hidden()).toLinear());
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

  private void refuseUnread() {
    Set<String> rest = new TreeSet<>(checkpoint.unread());
    rest.removeIf(name -> name.endsWith(".rotary_emb.inv_freq")); // computed, in old checkpoints
    if (config.tiedHead()) {
      rest.remove("lm_head.weight"); // some checkpoints store the embedding twice
    }
    if (!rest.isEmpty()) {
      throw new ModelException("the model has tensors that its architecture does not: " + rest);
    }
  }
}
