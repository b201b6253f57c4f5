package dev.tributary.server.tensor;

import java.util.List;

/// The backward operations of a transformer over frozen base weights, each over all rows of a pass;
/// and the optimiser's sweeps.
///
/// `dx` is the gradient of the loss with respect to `x`. All matrices are float32, in the memory of
/// the [Ops] that this belongs to; like it, called by the engine's thread alone. A row of a result
/// depends on its own row (or sequence) alone, and a sum over rows runs over them in their order,
/// so neither company nor the number of workers changes a bit.
public sealed interface BackwardOps permits CpuBackward, ReferenceBackward {

  /// `dx = dy[:, column .. column + outputs) W`, of the forward `y = x Wᵀ`. dy: `[rows, any]`; dx:
  /// `[rows, inputs]`.
  ///
  /// Where the wide path is, dy and W are rounded to bfloat16 as the forward rounds x and W.
  ///
  /// @param add adds to dx instead
  void linear(Matrix dy, int column, Linear weights, Matrix dx, boolean add);

  /// Of `y += scale B (A x)`: with `u = A x` and `du = scale Bᵀ dy`, adds `du xᵀ` to the gradient
  /// of A, `scale u dyᵀ` to that of B transposed, and `Aᵀ du` to dx. Segments are disjoint, in the
  /// order of their rows.
  ///
  /// @param x the product's input `[rows, inputs]`
  /// @param dy `[rows, columns of the product]`
  /// @param dx `[rows, inputs]`
  void lora(Matrix x, Matrix dy, Matrix dx, List<LoraGradient> segments);

  /// Of `y = x / sqrt(mean(x²) + epsilon) * weight`: adds to dx. x, dy, dx: `[rows, n]`.
  void rmsNorm(Matrix x, float[] weight, float epsilon, Matrix dy, Matrix dx);

  /// Turns the gradients of rotated queries and keys back, in place: a rotation's transpose is the
  /// rotation by the opposite angle.
  ///
  /// @param dqkv `[rows, shape.width()]`
  /// @param positions of the rows
  void rotate(Matrix dqkv, int[] positions, AttentionShape shape, Rotary rotary);

  /// Of causal attention within each sequence: a run's rows attend to its prefix and to themselves.
  /// Overwrites dqkv.
  ///
  /// @param qkv rotated queries and keys, and values, `[rows, shape.width()]`
  /// @param attended what [Ops#attend] made of them, `[rows, shape.queryWidth()]`
  /// @param dAttended its gradient
  /// @param runs of rows; every row is of one. A prefix is a whole run that has none itself, and
  ///   stands before those that share it
  /// @param dqkv `[rows, shape.width()]`, of the rotated queries and keys
  void attend(
      Matrix qkv,
      Matrix attended,
      Matrix dAttended,
      List<RowRun> runs,
      AttentionShape shape,
      Matrix dqkv);

  /// Of `y = silu(gate) * up`. Overwrites dGateUp, which may be gateUp.
  ///
  /// @param gateUp `[rows, 2 n]`, gate first
  /// @param dy `[rows, n]`
  void swiglu(Matrix gateUp, Matrix dy, Matrix dGateUp);

  /// The loss `-ln p(target)` of each row, and its gradient in place of the logits: `weight (p -
  /// [token = target])`. Losses are summed in float64.
  ///
  /// @param logits `[rows, vocabulary]`
  /// @param targets `[rows]` token ids
  /// @param weights `[rows]` factors of the gradients
  /// @param losses `[rows]`, natural logarithms; written
  /// @param gradient false leaves the logits as they are
  void crossEntropy(
      Matrix logits, int[] targets, float[] weights, double[] losses, boolean gradient);

  /// One optimiser step of floats `[from, to)`. `from` is a multiple of 16.
  ///
  /// @param values float32; changed
  /// @param gradients float32
  /// @param first running mean of the gradients, float32; changed
  /// @param second running mean of their squares, float32; changed
  void adam(
      Bytes values, Bytes gradients, Bytes first, Bytes second, long from, long to, AdamStep step);

  /// The sum of the squares of float32 `[from, to)`. Chunks of [#CHUNK] floats from `from` on are
  /// summed in float32 by 16 lanes and a tree, and added up in float64 in their order.
  double sumOfSquares(Bytes values, long from, long to);

  /// Floats of one chunk of [#sumOfSquares].
  int CHUNK = 4096;
}
