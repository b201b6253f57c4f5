package dev.tributary.server.model;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.tensor.BackwardOps;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/// Losses of adapters under training on some sequences, and their gradients through the frozen
/// base: one pass at a time, in pieces between which the engine's thread may do other things.
///
/// Bits of a row's loss depend on the row and its adapter alone; those of an adapter's gradients on
/// its own rows of the pass, in the order in which they were given, and on what the gradients were
/// before: never on other adapters' rows in the pass, on the number of workers, or on how many
/// activations are kept.
///
/// Called by the thread that owns the model's operations, between its steps. It uses none of the
/// model's own working memory and not its cache. Memory is reserved here, once; the system hands it
/// out as it is first used.
public final class GradientPass implements AutoCloseable {
  private final Llama llama;
  private final LlamaConfig config;
  private final Ops ops;
  private final BackwardOps backward;
  private final PassMemory memory;
  private final BlockPass blocks;
  private final Queue<Piece> pieces = new ArrayDeque<>();
  private @Nullable Pass pass;

  /// What a piece of a pass does.
  public enum Part {
    FORWARD_ATTENTION,
    FORWARD_FEED_FORWARD,
    /// The logits of some targets, and their losses.
    HEAD,
    HEAD_BACKWARD,
    /// What was not kept, forward once more.
    AGAIN,
    BACKWARD_FEED_FORWARD,
    BACKWARD_ATTENTION
  }

  private record Piece(Part part, Runnable work) {}

  /// A pass under way.
  private record Pass(
      PassPlan plan,
      List<Matrix> inputs,
      List<PassMemory.Kept> kept,
      PassMemory.Work work,
      double[] losses) {}

  /// @param maxTokens most tokens of a pass
  /// @param activationBytes memory for what the forward computes and the backward needs again; what
  ///   does not fit is computed twice, layer by layer, from the layer's input. The inputs of all
  ///   layers, `4 layers maxTokens hidden` bytes, are kept besides, and one layer's rest always
  /// @throws ModelException naming what of the model or of its device cannot be trained
  public GradientPass(Llama llama, int maxTokens, long activationBytes) {
    this(llama, maxTokens, activationBytes, ComputePath.WIDE);
  }

  /// Likewise.
  ///
  /// @param forward path of the base's products forward, as far as there is a choice: narrow is
  ///   exact, and slower. What of the gradients' error comes from rounding forward (most of it)
  ///   then goes
  public GradientPass(Llama llama, int maxTokens, long activationBytes, ComputePath forward) {
    if (maxTokens < 1 || activationBytes < 0) {
      throw new IllegalArgumentException(maxTokens + " tokens, " + activationBytes + " bytes");
    }
    this.llama = llama;
    config = llama.config();
    ops = llama.ops();
    if (config.headNorms()) {
      throw new ModelException(
          "adapters of models with norms of query and key heads ("
              + config.family()
              + ") cannot be trained yet");
    }
    backward =
        ops.backward()
            .orElseThrow(
                () ->
                    new ModelException(
                        "adapters cannot be trained on this device (" + ops.numerics() + ")"));
    memory = new PassMemory(config, maxTokens, activationBytes);
    // Every sequence begins a page of its own.
    KvCache cache = new KvCache(1, maxTokens, config.attention(), ops::reserve);
    blocks = new BlockPass(config, ops, backward, llama.rotary(), cache, forward);
  }

  /// Most tokens of a pass.
  public int maxTokens() {
    return memory.maxTokens();
  }

  /// The optimiser's operations on the same threads.
  public BackwardOps ops() {
    return backward;
  }

  /// Starts a pass; one that is under way is given up, what it added to gradients stays.
  ///
  /// @param rows of any adapters; those of one adapter are computed side by side, and what they
  ///   begin with alike is computed once. [#tokens] of them are `maxTokens` at most
  /// @param withGradients adds to the gradients of the rows' adapters; false computes the losses
  ///   alone
  /// @throws IllegalArgumentException if there are none, too many tokens, or an adapter does not
  ///   fit the model
  public void begin(List<TrainingRow> rows, boolean withGradients) {
    pieces.clear();
    require(rows);
    PassPlan plan = PassPlan.of(rows);
    int tokens = plan.tokens().length;
    if (tokens > maxTokens()) {
      throw new IllegalArgumentException(
          rows.size() + " rows of " + tokens + " tokens, at most " + maxTokens());
    }
    Pass next =
        new Pass(
            plan,
            memory.inputs(tokens),
            withGradients ? memory.kept(tokens) : memory.kept(tokens).subList(0, 1),
            memory.work(tokens),
            new double[rows.size()]);
    pass = next;
    for (int layer = 0; layer < config.layers(); layer++) {
      addForward(next, layer);
    }
    int targets = plan.targets().count();
    for (int from = 0; from < targets; from += memory.headRows()) {
      addHead(next, from, Math.min(targets, from + memory.headRows()), withGradients);
    }
    if (withGradients) {
      for (int layer = config.layers() - 1; layer >= plan.lowestLayer(); layer--) {
        addBackward(next, layer);
      }
    }
  }

  /// Tokens that a pass over these rows computes: what several rows of an adapter begin with counts
  /// once, the last token of a row not at all.
  public static int tokens(List<TrainingRow> rows) {
    return PassPlan.of(rows).tokens().length;
  }

  private void require(List<TrainingRow> rows) {
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("0 rows");
    }
    for (TrainingRow row : rows) {
      int length = row.tokens().length - 1;
      if (length > config.context()) {
        throw new IllegalArgumentException(
            length + " tokens: the model's context is " + config.context());
      }
      for (int token : row.tokens()) {
        if (token < 0 || token >= config.vocabulary()) {
          throw new IllegalArgumentException(
              "token " + token + " of a vocabulary of " + config.vocabulary());
        }
      }
      row.adapter().requireFits(config);
    }
  }

  private void add(Part part, Runnable work) {
    pieces.add(new Piece(part, work));
  }

  private void addForward(Pass own, int layer) {
    BlockPass.At at = at(own, layer);
    add(
        Part.FORWARD_ATTENTION,
        () -> {
          if (layer == 0) {
            ops.embed(own.plan.tokens(), llama.weights().embedding(), at.input());
          }
          blocks.forwardAttention(at);
        });
    add(Part.FORWARD_FEED_FORWARD, () -> blocks.forwardFeedForward(at, own.inputs.get(layer + 1)));
  }

  /// The first layers share the first place; every other has its own.
  private BlockPass.At at(Pass own, int layer) {
    int shared = config.layers() - own.kept.size();
    return new BlockPass.At(
        llama.weights().blocks().get(layer),
        layer,
        own.plan,
        own.inputs.get(layer),
        own.kept.get(Math.max(0, layer - shared)),
        own.work);
  }

  private void addHead(Pass own, int from, int to, boolean withGradients) {
    PassPlan.Targets targets = own.plan.targets(from, to);
    PassMemory.Head head = memory.head(to - from);
    Matrix last = own.inputs.getLast();
    add(
        Part.HEAD,
        () -> {
          for (int i = 0; i < targets.count(); i++) {
            head.rows().copyRow(last, targets.rows()[i], i);
          }
          float[] norm = llama.weights().finalNorm();
          ops.rmsNorm(head.rows(), 0, targets.count(), norm, config.normEpsilon(), head.normed());
          ops.logits(head.normed(), llama.weights().head(), head.logits(), blocks.path());
          double[] losses = new double[targets.count()];
          backward.crossEntropy(
              head.logits(), targets.ids(), targets.weights(), losses, withGradients);
          for (int i = 0; i < losses.length; i++) {
            own.losses[targets.sequences()[i]] += losses[i];
          }
        });
    if (withGradients) {
      add(Part.HEAD_BACKWARD, () -> backwardHead(own, from == 0, targets, head));
    }
  }

  private void backwardHead(
      Pass own, boolean first, PassPlan.Targets targets, PassMemory.Head head) {
    Linear weights = llama.weights().head();
    Matrix dResidual = own.work.dResidual();
    if (first) {
      dResidual.data().clear();
    }
    backward.linear(head.logits(), 0, weights, head.dNormed(), false);
    head.dRows().data().clear();
    backward.rmsNorm(
        head.rows(),
        llama.weights().finalNorm(),
        config.normEpsilon(),
        head.dNormed(),
        head.dRows());
    for (int i = 0; i < targets.count(); i++) {
      dResidual.copyRow(head.dRows(), i, targets.rows()[i]);
    }
  }

  private void addBackward(Pass own, int layer) {
    BlockPass.At at = at(own, layer);
    int shared = config.layers() - own.kept.size();
    // The last of those that share a place left its activations there.
    if (layer < shared) {
      add(Part.AGAIN, () -> blocks.forwardAttention(at));
      add(Part.AGAIN, () -> blocks.forwardGateUp(at));
    }
    add(Part.BACKWARD_FEED_FORWARD, () -> blocks.backwardFeedForward(at));
    boolean further = layer > own.plan.lowestLayer();
    add(Part.BACKWARD_ATTENTION, () -> blocks.backwardAttention(at, further));
  }

  /// What [#advance] does next; empty when the pass is complete.
  public Optional<Part> next() {
    return Optional.ofNullable(pieces.peek()).map(Piece::part);
  }

  /// Does one bounded piece of the pass: at 256 tokens a few milliseconds.
  ///
  /// @return whether there is more to do
  public boolean advance() {
    Piece piece = pieces.poll();
    if (piece == null) {
      throw new IllegalStateException("no pass is under way");
    }
    boolean done = false;
    try {
      piece.work.run();
      done = true;
    } finally {
      if (!done) {
        pieces.clear();
        pass = null;
      }
    }
    return !pieces.isEmpty();
  }

  /// The sum of -ln p over the targets of each row, in the order of the rows, complete when
  /// [#advance] has returned false.
  public double[] losses() {
    if (!pieces.isEmpty()) {
      throw new IllegalStateException("the pass is not complete");
    }
    return Objects.requireNonNull(pass, "no pass was made").losses.clone();
  }

  /// Frees the memory.
  @Override
  public void close() {
    pieces.clear();
    pass = null;
    memory.close();
  }
}
