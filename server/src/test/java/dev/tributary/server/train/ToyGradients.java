package dev.tributary.server.train;

import dev.tributary.server.model.TrainingRow;
import dev.tributary.server.tensor.AdamStep;
import dev.tributary.server.tensor.Bytes;
import java.util.ArrayList;
import java.util.List;

/// An objective without a model: every row pulls every value towards a number of its own, which its
/// tokens decide. As with a model, a row's loss depends on it and its adapter alone, and an
/// adapter's gradients on its own rows in their order.
final class ToyGradients implements Gradients {
  /// Passes that were begun, rows of each.
  final List<List<TrainingRow>> passes = new ArrayList<>();

  private final int maxTokens;
  private List<TrainingRow> rows = List.of();
  private boolean backward;
  private int at;
  private double[] losses = {};

  /// Multiplies every loss; NaN to see what happens.
  double factor = 1;

  ToyGradients(int maxTokens) {
    this.maxTokens = maxTokens;
  }

  @Override
  public int maxTokens() {
    return maxTokens;
  }

  @Override
  public void begin(List<TrainingRow> given, boolean withGradients) {
    if (given.isEmpty() || given.stream().mapToInt(row -> row.tokens().length).sum() > maxTokens) {
      throw new IllegalArgumentException("no rows, or too many tokens");
    }
    passes.add(given);
    rows = given;
    backward = withGradients;
    at = 0;
    losses = new double[given.size()];
  }

  @Override
  public boolean advance() {
    TrainingRow row = rows.get(at);
    Bytes values = row.adapter().values();
    Bytes gradients = row.adapter().gradientValues();
    long floats = row.adapter().floats();
    double sum = 0;
    for (long i = 0; i < floats; i += 7) {
      float off = values.getFloat(4 * i) - target(row, i);
      sum += 0.5 * off * off;
      if (backward) {
        gradients.putFloat(
            4 * i, gradients.getFloat(4 * i) + row.weights()[0] * row.targets() * off);
      }
    }
    losses[at++] = factor * row.targets() * sum / floats;
    return at < rows.size();
  }

  private static float target(TrainingRow row, long i) {
    long hash = i * 0x9e3779b97f4a7c15L;
    for (int token : row.tokens()) {
      hash = (hash ^ token) * 0xbf58476d1ce4e5b9L;
    }
    return (hash >> 40) * 0x1p-24f;
  }

  @Override
  public double[] losses() {
    return losses;
  }

  @Override
  public double sumOfSquares(Bytes values, long from, long to) {
    double sum = 0;
    for (long i = from; i < to; i++) {
      float value = values.getFloat(4 * i);
      sum += (double) value * value;
    }
    return sum;
  }

  @Override
  public void adam(
      Bytes values, Bytes gradients, Bytes first, Bytes second, long from, long to, AdamStep s) {
    for (long at = 4 * from; at < 4 * to; at += 4) {
      float g = s.gradientScale() * gradients.getFloat(at);
      float m = s.beta1() * first.getFloat(at) + (1 - s.beta1()) * g;
      float v = s.beta2() * second.getFloat(at) + (1 - s.beta2()) * g * g;
      first.putFloat(at, m);
      second.putFloat(at, v);
      float x = values.getFloat(at);
      float by = m / s.correction1() / ((float) Math.sqrt(v / s.correction2()) + s.epsilon());
      values.putFloat(at, x - s.learningRate() * (s.weightDecay() * x + by));
    }
  }
}
