package dev.tributary.server.model;

import dev.tributary.server.tensor.BackwardOps;
import java.util.List;

/// Losses of adapters under training on some sequences, and their gradients through the frozen
/// base: one pass at a time, in pieces between which the engine's thread may do other things.
///
/// Bits of a row's loss depend on the row and its adapter alone; those of an adapter's gradients on
/// its own rows, in the order in which they were given, and on what the gradients were before:
/// never on other adapters' rows in the pass, on the number of workers, or on how many activations
/// are kept.
///
/// Called by the thread that owns the model's operations, between its steps. It uses none of the
/// model's own working memory and not its cache. Memory is reserved here, once; the system hands it
/// out as it is first used.
public final class GradientPass implements AutoCloseable {

  /// @param maxTokens most tokens of a pass
  /// @param activationBytes memory for what the forward computes and the backward needs again; what
  ///   does not fit is computed twice, layer by layer, from the layer's input. The inputs of all
  ///   layers, `4 layers maxTokens hidden` bytes, are kept besides
  /// @throws ModelException naming what of the model or of its device cannot be trained
  public GradientPass(Llama llama, int maxTokens, long activationBytes) {
    throw new UnsupportedOperationException("follows");
  }

  /// Most tokens of a pass.
  public int maxTokens() {
    throw new UnsupportedOperationException("follows");
  }

  /// The optimiser's operations on the same threads.
  public BackwardOps ops() {
    throw new UnsupportedOperationException("follows");
  }

  /// Starts a pass; one that is under way is given up, what it added to gradients stays.
  ///
  /// @param rows of any adapters, those of one adapter best side by side; `maxTokens` tokens at
  ///   most
  /// @param backward adds to the gradients of the rows' adapters; false computes the losses alone
  /// @throws IllegalArgumentException if there are none, too many tokens, or an adapter does not
  ///   fit the model
  public void begin(List<TrainingRow> rows, boolean backward) {
    throw new UnsupportedOperationException("follows");
  }

  /// Does one bounded piece of the pass: at 256 tokens a few milliseconds.
  ///
  /// @return whether there is more to do
  public boolean advance() {
    throw new UnsupportedOperationException("follows");
  }

  /// The sum of -ln p over the targets of each row, in the order of the rows, complete when
  /// [#advance] has returned false.
  public double[] losses() {
    throw new UnsupportedOperationException("follows");
  }

  /// Frees the memory.
  @Override
  public void close() {
    throw new UnsupportedOperationException("follows");
  }
}
