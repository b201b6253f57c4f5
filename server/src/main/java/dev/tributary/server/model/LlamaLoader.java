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
import java.util.stream.IntStream;

/// Makes a [Llama] of a [Checkpoint]: orders and packs the weights.
///
/// A tensor that the graph does not use is refused by name: it would mean another function.
public final class LlamaLoader {
  private static final String FREQUENCIES = "rope_freqs.weight";

  private final GraphTensors tensors;
  private final LlamaConfig config;
  private final Ops ops;
  private final boolean gguf;

  private LlamaLoader(Checkpoint checkpoint, LlamaConfig config, Ops ops) {
    this.tensors = new GraphTensors(checkpoint, config);
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
    loader.tensors.refuseUnread();
    ops.ready();
    return new Llama(config, ops, weights, pages, maxTokens);
  }

  private Llama.Weights weights() {
    Linear embedding = ops.pack(tensors.embedding().toLinear());
    Linear head = config.tiedHead() ? embedding : ops.pack(tensors.head().toLinear());
    // Packing is native and plain copying: blocks are independent.
    List<Llama.Block> blocks =
        IntStream.range(0, config.layers()).parallel().mapToObj(this::block).toList();
    return new Llama.Weights(embedding, blocks, tensors.finalNorm(), head);
  }

  private Llama.Block block(int layer) {
    ops.claimThread();
    return new Llama.Block(
        tensors.attentionNorm(layer),
        joint(layer, Projection.Q, Projection.K, Projection.V),
        config.qkvBias() ? tensors.bias(layer, Projection.Q, Projection.K, Projection.V) : null,
        tensors.headNorms(layer),
        joint(layer, Projection.O),
        config.outputBias() ? tensors.bias(layer, Projection.O) : null,
        tensors.feedForwardNorm(layer),
        joint(layer, Projection.GATE, Projection.UP),
        config.feedForwardBias() ? tensors.bias(layer, Projection.GATE, Projection.UP) : null,
        joint(layer, Projection.DOWN),
        config.feedForwardBias() ? tensors.bias(layer, Projection.DOWN) : null);
  }

  private JointLinear joint(int layer, Projection... projections) {
    List<LinearWeights> weights = new ArrayList<>();
    for (Projection projection : projections) {
      StoredTensor tensor = tensors.projection(layer, projection);
      // A Hugging Face checkpoint's layers are quantised here; its embedding and head are not.
      weights.add(gguf ? tensor.toLinear() : Quantizer.quantize(tensor));
    }
    List<LinearWeights> stacked = LinearStack.of(weights).map(List::of).orElse(weights);
    boolean outliers = List.of(projections).contains(Projection.DOWN);
    return JointLinear.of(
        config,
        List.of(projections),
        stacked.stream().map(each -> ops.pack(each, outliers)).toList());
  }
}
