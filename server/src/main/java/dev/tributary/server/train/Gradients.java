package dev.tributary.server.train;

import dev.tributary.server.model.TrainingRow;
import dev.tributary.server.tensor.AdamStep;
import dev.tributary.server.tensor.Bytes;
import java.util.List;

/// What the device computes for training, see [dev.tributary.server.model.GradientPass] and
/// [dev.tributary.server.tensor.BackwardOps]. An interface because tests of the trainer have an
/// objective that needs no model. Called on the device's thread only.
interface Gradients {
  /// Most tokens of a pass.
  int maxTokens();

  void begin(List<TrainingRow> rows, boolean backward);

  boolean advance();

  double[] losses();

  double sumOfSquares(Bytes values, long from, long to);

  void adam(
      Bytes values, Bytes gradients, Bytes first, Bytes second, long from, long to, AdamStep step);
}
