package dev.tributary.server.train;

import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.TrainingRow;
import dev.tributary.server.tensor.AdamStep;
import dev.tributary.server.tensor.Bytes;
import java.util.List;

/// Gradients through the resident base.
record BaseGradients(GradientPass pass) implements Gradients {
  @Override
  public int maxTokens() {
    return pass.maxTokens();
  }

  @Override
  public void begin(List<TrainingRow> rows, boolean backward) {
    pass.begin(rows, backward);
  }

  @Override
  public boolean advance() {
    return pass.advance();
  }

  @Override
  public double[] losses() {
    return pass.losses();
  }

  @Override
  public double sumOfSquares(Bytes values, long from, long to) {
    return pass.ops().sumOfSquares(values, from, to);
  }

  @Override
  public void adam(
      Bytes values, Bytes gradients, Bytes first, Bytes second, long from, long to, AdamStep step) {
    pass.ops().adam(values, gradients, first, second, from, to, step);
  }
}
