package dev.tributary.server.model;

import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.LinearWeights;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import dev.tributary.server.weights.StoredTensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Makes a [Llama] of a [Checkpoint]: names, orders and packs the weights.
///
/// A tensor that the graph does not use is refused by name: it would mean another function.
public final class LlamaLoader {
  private final Checkpoint checkpoint;
  private final LlamaConfig config;
  private final Ops ops;
  private final boolean gguf;
  private final Set<String> used = new HashSet<>();

  private LlamaLoader(Checkpoint checkpoint, LlamaConfig config, Ops ops) {
    this.checkpoint = checkpoint;
    this.config = config;
    this.ops = ops;
    gguf = checkpoint.kind() == Checkpoint.Kind.GGUF;
  }

  /// The shape of the model, or [ModelException] naming what isn't supported.
  public static LlamaConfig config(Checkpoint checkpoint) {
    return switch (checkpoint.kind()) {
      case GGUF ->
          ConfigReader.gguf(
              checkpoint.metadata(),
              checkpoint.tensorNames(),
              checkpoint.tensorNames().contains("rope_freqs.weight")
                  ? checkpoint.tensor("rope_freqs.weight").toFloats()
                  : null);
      case HUGGING_FACE ->
          ConfigReader.huggingFace(checkpoint.metadata(), checkpoint.tensorNames());
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
    loader.refuseUnused();
    return new Llama(config, ops, weights, pages, maxTokens);
  }

  private Llama.Weights weights() {
    Linear embedding =
        ops.pack(
            matrix(
                gguf ? "token_embd" : "model.embed_tokens",
                config.vocabulary(),
                config.hidden(),
                false));
    Linear head = embedding;
    if (!config.tiedHead()) {
      head =
          ops.pack(
              matrix(gguf ? "output" : "lm_head", config.vocabulary(), config.hidden(), false));
    }
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
      int[] order = order(projection);
      LinearWeights matrix =
          matrix(
              name(layer, projection), config.outputs(projection), config.inputs(projection), true);
      weights.add(order == null ? matrix : LinearWeights.rows(matrix, order));
    }
    List<Linear> packed = LinearWeights.stack(weights).stream().map(ops::pack).toList();
    return JointLinear.of(config, List.of(projections), packed);
  }

  private float[] bias(int layer, int width, Projection... projections) {
    float[] joined = new float[width];
    int at = 0;
    for (Projection projection : projections) {
      int outputs = config.outputs(projection);
      float[] bias = vector(name(layer, projection) + ".bias", outputs);
      int[] order = order(projection);
      for (int i = 0; i < outputs; i++) {
        joined[at + i] = bias[order == null ? i : order[i]];
      }
      at += outputs;
    }
    return joined;
  }

  /// Where each row of a projection stands in the file, or null where it is in place. GGUF files of
  /// the llama architecture interleave the halves of each query and key head, which rotate
  /// together; adapters, and our rotation, take them in Hugging Face's order.
  private int @Nullable [] order(Projection projection) {
    boolean rotates = projection == Projection.Q || projection == Projection.K;
    if (!gguf || !rotates || !config.family().equals("llama")) {
      return null;
    }
    int dim = config.attention().headDim();
    int[] order = new int[config.outputs(projection)];
    for (int row = 0; row < order.length; row++) {
      int d = row % dim;
      order[row] = row - d + (d < dim / 2 ? 2 * d : 2 * (d - dim / 2) + 1);
    }
    return order;
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

  private LinearWeights matrix(String name, int rows, int cols, boolean fourBits) {
    StoredTensor tensor = tensor(name + ".weight", rows, cols);
    // A Hugging Face checkpoint's layers are quantised here; its embedding and head are not.
    return fourBits && !gguf ? tensor.quantized() : tensor.toLinear();
  }

  private float[] vector(String name, int length) {
    String full = name.endsWith(".bias") ? name : name + ".weight";
    return tensor(full, length).toFloats();
  }

  private StoredTensor tensor(String name, int... shape) {
    if (!checkpoint.tensorNames().contains(name)) {
      throw new ModelException("the model lacks tensor " + name);
    }
    StoredTensor tensor = checkpoint.tensor(name);
    long[] wanted = IntStream.of(shape).asLongStream().toArray();
    if (!java.util.Arrays.equals(tensor.shape(), wanted)) {
      throw new ModelException(
          "tensor "
              + name
              + " has shape "
              + java.util.Arrays.toString(tensor.shape())
              + ", expected "
              + java.util.Arrays.toString(wanted));
    }
    synchronized (used) {
      used.add(name);
    }
    return tensor;
  }

  private void refuseUnused() {
    Set<String> rest = new TreeSet<>(checkpoint.tensorNames());
    rest.removeAll(used);
    rest.remove("rope_freqs.weight"); // read with the configuration
    rest.removeIf(name -> name.endsWith(".rotary_emb.inv_freq")); // computed, in old checkpoints
    if (config.tiedHead()) {
      rest.remove("lm_head.weight"); // some checkpoints store the embedding twice
    }
    if (!rest.isEmpty()) {
      throw new ModelException("the model has tensors that its architecture does not: " + rest);
    }
  }
}
