package dev.tributary.server.model;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.tensor.BackwardOps;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tensor.Rotary;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One block of the graph forward, keeping what the backward needs, and backward.
///
/// Backward follows forward line by line, last line first. With `d` the gradient of the residual
/// stream: each half of a block is `x + f(norm(x))`, so `d` passes it unchanged and what comes
/// through `f` is added.
final class BlockPass {
  private final LlamaConfig config;
  private final Ops ops;
  private final BackwardOps backward;
  private final Rotary rotary;
  private final KvCache cache;
  private final ComputePath path;

  /// @param cache of one layer: what a block writes there it alone reads
  /// @param path of products forward, where there is a wide one
  BlockPass(
      LlamaConfig config,
      Ops ops,
      BackwardOps backward,
      Rotary rotary,
      KvCache cache,
      ComputePath path) {
    this.config = config;
    this.ops = ops;
    this.backward = backward;
    this.rotary = rotary;
    this.cache = cache;
    this.path = ops.wideFrom() == Integer.MAX_VALUE ? ComputePath.NARROW : path;
  }

  ComputePath path() {
    return path;
  }

  /// A block, its layer, and the pass that goes through it.
  ///
  /// @param input residual stream before the block
  /// @param kept what it keeps
  record At(
      Llama.Block block,
      int layer,
      PassPlan plan,
      Matrix input,
      PassMemory.Kept kept,
      PassMemory.Work work) {}

  /// `residual = x + attention(norm(x))`.
  void forwardAttention(At at) {
    PassMemory.Kept kept = at.kept;
    norm(at.input, at.block.attentionNorm(), at.work.normed());
    project(at, at.block.qkv(), at.block.qkvBias(), at.work.normed(), kept.qkv());
    ops.rotateAndStore(kept.qkv(), at.plan.rows(), rotary, null, cache, 0);
    List<PassPlan.PageCopy> copies = at.plan.copies();
    ops.forEach(copies.size(), (worker, i) -> copies.get(i).run(cache));
    ops.attend(kept.qkv(), at.plan.rows(), cache, 0, kept.attended());
    project(at, at.block.output(), at.block.outputBias(), kept.attended(), kept.residual());
    ops.add(kept.residual(), at.input);
  }

  /// `output = residual + feedForward(norm(residual))`.
  void forwardFeedForward(At at, Matrix output) {
    PassMemory.Kept kept = at.kept;
    forwardGateUp(at);
    ops.swiglu(kept.gateUp(), at.work.activated());
    project(at, at.block.down(), at.block.downBias(), at.work.activated(), output);
    ops.add(output, kept.residual());
  }

  /// The part of [#forwardFeedForward] whose result is kept.
  void forwardGateUp(At at) {
    norm(at.kept.residual(), at.block.feedForwardNorm(), at.work.normed());
    project(at, at.block.gateUp(), at.block.gateUpBias(), at.work.normed(), at.kept.gateUp());
  }

  private void norm(Matrix x, float[] weight, Matrix y) {
    ops.rmsNorm(x, 0, x.rows(), weight, config.normEpsilon(), y);
  }

  private void project(At at, JointLinear linear, float @Nullable [] bias, Matrix x, Matrix y) {
    linear.apply(ops, x, y, path);
    ops.lora(x, y, at.plan.segments(at.layer, linear));
    if (bias != null) {
      ops.addBias(y, bias);
    }
  }

  /// What [#forwardFeedForward] did, backward; a place of `gateUp` holds its gradient then.
  void backwardFeedForward(At at) {
    PassMemory.Kept kept = at.kept;
    PassMemory.Work work = at.work;
    ops.swiglu(kept.gateUp(), work.activated());
    project(at, at.block.down(), work.activated(), work.dResidual(), work.dActivated());
    backward.swiglu(kept.gateUp(), work.dActivated(), kept.gateUp());
    norm(kept.residual(), at.block.feedForwardNorm(), work.normed());
    project(at, at.block.gateUp(), work.normed(), kept.gateUp(), work.dNormed());
    backward.rmsNorm(
        kept.residual(),
        at.block.feedForwardNorm(),
        config.normEpsilon(),
        work.dNormed(),
        work.dResidual());
  }

  /// What [#forwardAttention] did, backward.
  ///
  /// @param further whether the gradient of the block's input is wanted
  void backwardAttention(At at, boolean further) {
    PassMemory.Kept kept = at.kept;
    PassMemory.Work work = at.work;
    project(at, at.block.output(), kept.attended(), work.dResidual(), work.dAttended());
    backward.attend(
        kept.qkv(),
        kept.attended(),
        work.dAttended(),
        at.plan.runs(),
        config.attention(),
        work.dQkv());
    backward.rotate(work.dQkv(), at.plan.rows().positions(), config.attention(), rotary);
    norm(at.input, at.block.attentionNorm(), work.normed());
    if (!further) {
      backward.lora(
          work.normed(), work.dQkv(), work.dNormed(), at.plan.gradients(at.layer, at.block.qkv()));
      return;
    }
    project(at, at.block.qkv(), work.normed(), work.dQkv(), work.dNormed());
    backward.rmsNorm(
        at.input, at.block.attentionNorm(), config.normEpsilon(), work.dNormed(), work.dResidual());
  }

  /// `dx = dy W`, and what the adapters add to it and to their gradients. A bias changes neither.
  private void project(At at, JointLinear linear, Matrix x, Matrix dy, Matrix dx) {
    boolean add = false;
    for (JointLinear.Part part : linear.parts()) {
      backward.linear(dy, part.column(), part.linear(), dx, add);
      add = true;
    }
    backward.lora(x, dy, dx, at.plan.gradients(at.layer, linear));
  }
}
