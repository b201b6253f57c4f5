package dev.tributary.server.model;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.LinearWeights;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tensor.Rotary;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A Llama-family transformer (Touvron et al. 2023) and its key/value cache, resident on one
/// device.
///
/// Grouped-query attention with rotary embeddings, SwiGLU, pre-norm; biases (Qwen2) and head norms
/// (Qwen3) are switches of the [LlamaConfig]. Activations are float32. Owned by the engine's
/// thread.
public final class Llama implements StepRunner, BaseWeights {

  /// Weights of one transformer block. A bias is null where the family has none.
  record Block(
      float[] attentionNorm,
      JointLinear qkv,
      float @Nullable [] qkvBias,
      Ops.@Nullable HeadNorms headNorms,
      JointLinear output,
      float @Nullable [] outputBias,
      float[] feedForwardNorm,
      JointLinear gateUp,
      float @Nullable [] gateUpBias,
      JointLinear down,
      float @Nullable [] downBias) {}

  /// All weights.
  record Weights(Linear embedding, List<Block> blocks, float[] finalNorm, Linear head) {}

  private final LlamaConfig config;
  private final Ops ops;
  private final Weights weights;
  private final Rotary rotary;
  private final KvCache cache;
  private final Activations buffers;

  /// @param pages pages of the key/value cache
  /// @param maxTokens most tokens that one step may hold
  Llama(LlamaConfig config, Ops ops, Weights weights, int pages, int maxTokens) {
    this.config = config;
    this.ops = ops;
    this.weights = weights;
    rotary = config.rotary().rotary(config.attention().headDim(), config.context());
    cache = new KvCache(config.layers(), pages, config.attention(), ops::reserve);
    buffers = new Activations(config, ops, maxTokens);
  }

  /// The same weights on the same device, with a cache and working memory of their own: for what
  /// the engine's thread computes beside its steps.
  ///
  /// @param pages pages of the key/value cache
  /// @param maxTokens most tokens that one step may hold
  Llama beside(int pages, int maxTokens) {
    return new Llama(config, ops, weights, pages, maxTokens);
  }

  @Override
  public LlamaConfig config() {
    return config;
  }

  Ops ops() {
    return ops;
  }

  Weights weights() {
    return weights;
  }

  Rotary rotary() {
    return rotary;
  }

  @Override
  public int maxTokens() {
    return buffers.maxTokens();
  }

  @Override
  public int wideFrom() {
    return ops.wideFrom();
  }

  @Override
  public void claimThread() {
    ops.claimThread();
  }

  @Override
  public Matrix run(List<Span> spans) {
    Step step = Step.of(spans);
    Activations b = buffers.of(step.tokens().length);
    ops.step(() -> layers(step, b));
    return logits(step, b);
  }

  private void layers(Step step, Activations b) {
    ops.embed(step.tokens(), weights.embedding(), b.residual());
    for (int layer = 0; layer < config.layers(); layer++) {
      Block block = weights.blocks().get(layer);
      attention(step, b, layer, block);
      feedForward(step, b, layer, block);
    }
  }

  @Override
  public int workers() {
    return ops.workers();
  }

  @Override
  public void forEach(int items, Ops.ItemWork work) {
    ops.forEach(items, work);
  }

  private void attention(Step step, Activations b, int layer, Block block) {
    norm(step, b, LoraWeights.Norm.ATTENTION, layer, block.attentionNorm());
    project(step, layer, block.qkv(), block.qkvBias(), b.normed(), b.qkv());
    rotateAndStore(step, b, layer, block.headNorms());
    ops.attend(b.qkv(), step.rows(), cache, layer, b.attended());
    project(step, layer, block.output(), block.outputBias(), b.attended(), b.delta());
    ops.add(b.residual(), b.delta());
  }

  private void rotateAndStore(Step step, Activations b, int layer, Ops.@Nullable HeadNorms norms) {
    if (norms == null) {
      ops.rotateAndStore(b.qkv(), step.rows(), rotary, null, cache, layer);
      return;
    }
    LoraWeights.NormSite query = new LoraWeights.NormSite(layer, LoraWeights.Norm.QUERY);
    LoraWeights.NormSite key = new LoraWeights.NormSite(layer, LoraWeights.Norm.KEY);
    for (Step.Group group : step.groups(query, key)) {
      float[] ownQuery = group.norm(query);
      float[] ownKey = group.norm(key);
      Ops.HeadNorms own =
          new Ops.HeadNorms(
              ownQuery == null ? norms.query() : ownQuery,
              ownKey == null ? norms.key() : ownKey,
              norms.epsilon());
      ops.rotateAndStore(
          b.qkv().rowRange(group.from(), group.to()),
          step.rows().range(group.from(), group.to()),
          rotary,
          own,
          cache,
          layer);
    }
  }

  private void feedForward(Step step, Activations b, int layer, Block block) {
    norm(step, b, LoraWeights.Norm.FEED_FORWARD, layer, block.feedForwardNorm());
    project(step, layer, block.gateUp(), block.gateUpBias(), b.normed(), b.gateUp());
    ops.swiglu(b.gateUp(), b.activated());
    project(step, layer, block.down(), block.downBias(), b.activated(), b.delta());
    ops.add(b.residual(), b.delta());
  }

  /// `y = x Wᵀ`, adapters, bias: in PEFT's order, in which DoRA does not scale the bias.
  private void project(
      Step step, int layer, JointLinear linear, float @Nullable [] bias, Matrix x, Matrix y) {
    int wide = step.wideFrom();
    if (wide > 0) {
      linear.apply(ops, x.firstRows(wide), y.firstRows(wide), ComputePath.NARROW);
    }
    if (wide < x.rows()) {
      linear.apply(ops, x.rowRange(wide, x.rows()), y.rowRange(wide, x.rows()), ComputePath.WIDE);
    }
    ops.lora(x, y, step.segments(layer, linear));
    if (bias != null) {
      ops.addBias(y, bias);
    }
  }

  private void norm(Step step, Activations b, LoraWeights.Norm norm, int layer, float[] weight) {
    LoraWeights.NormSite site = new LoraWeights.NormSite(layer, norm);
    for (Step.Group group : step.groups(site)) {
      float[] own = group.norm(site);
      ops.rmsNorm(
          b.residual(),
          group.from(),
          group.to(),
          own == null ? weight : own,
          config.normEpsilon(),
          b.normed());
    }
  }

  /// The head runs only for the tokens whose logits are wanted.
  private Matrix logits(Step step, Activations b) {
    Matrix last = b.last(step.logitRows());
    Matrix logits = b.logits(step.logitRows());
    LoraWeights.NormSite site = new LoraWeights.NormSite(-1, LoraWeights.Norm.FINAL);
    int at = 0;
    for (Step.Group group : step.headGroups()) {
      int from = at;
      for (int row : step.wanted(group)) {
        last.copyRow(b.residual(), row, at++);
      }
      if (at == from) {
        continue;
      }
      Matrix x = last.rowRange(from, at);
      float[] own = group.norm(site);
      ops.rmsNorm(x, 0, x.rows(), own == null ? weights.finalNorm() : own, config.normEpsilon(), x);
      Linear head = group.head();
      ops.logits(
          x, head == null ? weights.head() : head, logits.rowRange(from, at), step.path(group));
    }
    return logits;
  }

  @Override
  public void row(LoraWeights.Site site, int output, float[] row) {
    Block block = weights.blocks().get(site.layer());
    switch (site.projection()) {
      case Q, K, V -> block.qkv().row(site.projection(), output, row);
      case O -> block.output().row(site.projection(), output, row);
      case GATE, UP -> block.gateUp().row(site.projection(), output, row);
      case DOWN -> block.down().row(site.projection(), output, row);
    }
  }

  @Override
  public boolean holds(LoraWeights adapter) {
    // Asked with every lease: where nothing is copied it must cost nothing.
    return !ops.copiesAdapters()
        || adapter.pairs().values().stream()
            .allMatch(pair -> ops.holds(pair.a()) && ops.holds(pair.bt()));
  }

  @Override
  public Linear pack(LinearWeights replacement) {
    return ops.pack(replacement);
  }

  /// Resident bytes of the weights by the form they are held in, such as `int4`.
  public Map<String, Long> residentBytes() {
    Map<String, Long> bytes = new TreeMap<>();
    for (Block block : weights.blocks()) {
      for (JointLinear joint : List.of(block.qkv(), block.output(), block.gateUp(), block.down())) {
        joint
            .parts()
            .forEach(part -> bytes.merge(part.linear().form(), part.linear().bytes(), Long::sum));
      }
    }
    bytes.merge(weights.embedding().form(), weights.embedding().bytes(), Long::sum);
    if (weights.head() != weights.embedding()) {
      bytes.merge(weights.head().form(), weights.head().bytes(), Long::sum);
    }
    return bytes;
  }

  /// Working memory of a step.
  private static final class Activations {
    private final LlamaConfig config;
    private final Ops ops;
    private final Matrix[] full;
    private Matrix[] views = new Matrix[0];
    private Matrix last;
    private Matrix logits;

    Activations(LlamaConfig config, Ops ops, int maxTokens) {
      this.config = config;
      this.ops = ops;
      full =
          new Matrix[] {
            ops.allocate(DType.F32, maxTokens, config.hidden()),
            ops.allocate(DType.F32, maxTokens, config.hidden()),
            ops.allocate(DType.F32, maxTokens, config.attention().width()),
            ops.allocate(DType.F32, maxTokens, config.attention().queryWidth()),
            ops.allocate(DType.F32, maxTokens, config.hidden()),
            ops.allocate(DType.F32, maxTokens, 2 * config.feedForward()),
            ops.allocate(DType.F32, maxTokens, config.feedForward())
          };
      last = ops.allocate(DType.F32, 1, config.hidden());
      logits = ops.allocateLogits(1, config.vocabulary());
    }

    int maxTokens() {
      return full[0].rows();
    }

    /// Sets every view to `tokens` rows.
    Activations of(int tokens) {
      if (views.length == 0 || views[0].rows() != tokens) {
        views = new Matrix[full.length];
        for (int i = 0; i < full.length; i++) {
          views[i] = full[i].firstRows(tokens);
        }
      }
      return this;
    }

    Matrix residual() {
      return views[0];
    }

    Matrix normed() {
      return views[1];
    }

    Matrix qkv() {
      return views[2];
    }

    Matrix attended() {
      return views[3];
    }

    Matrix delta() {
      return views[4];
    }

    Matrix gateUp() {
      return views[5];
    }

    Matrix activated() {
      return views[6];
    }

    Matrix last(int rows) {
      if (last.rows() < rows) {
        last = ops.allocate(DType.F32, rows, config.hidden());
      }
      return last.firstRows(rows);
    }

    Matrix logits(int rows) {
      if (logits.rows() < rows) {
        logits = ops.allocateLogits(rows, config.vocabulary());
      }
      return logits.firstRows(rows);
    }
  }
}
