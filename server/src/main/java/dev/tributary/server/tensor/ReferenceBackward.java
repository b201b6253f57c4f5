package dev.tributary.server.tensor;

import java.util.List;

/// [BackwardOps] in plain Java: one element at a time, sums in float64, the formulas as they are
/// derived. The measure of [CpuBackward].
final class ReferenceBackward implements BackwardOps {
  @Override
  public void linear(Matrix dy, int column, Linear weights, Matrix dx, boolean add) {
    BackwardChecks.linear(dy, column, weights, dx);
    double[][] sums = new double[dx.rows()][dx.cols()];
    float[] row = new float[weights.inputs()];
    for (int n = 0; n < weights.outputs(); n++) {
      weights.row(n, row);
      for (int i = 0; i < dx.rows(); i++) {
        for (int k = 0; k < row.length; k++) {
          sums[i][k] += (double) dy.get(i, column + n) * row[k];
        }
      }
    }
    for (int i = 0; i < dx.rows(); i++) {
      for (int k = 0; k < dx.cols(); k++) {
        dx.set(i, k, (float) (sums[i][k] + (add ? dx.get(i, k) : 0)));
      }
    }
  }

  @Override
  public void lora(Matrix x, Matrix dy, Matrix dx, List<LoraGradient> segments) {
    BackwardChecks.lora(x, dy, dx, segments);
    for (LoraGradient segment : segments) {
      for (LoraGradient.Term term : segment.terms()) {
        for (int r = 0; r < term.pair().a().rows(); r++) {
          rank(x, dy, dx, segment, term, r);
        }
      }
    }
  }

  private static void rank(
      Matrix x, Matrix dy, Matrix dx, LoraGradient segment, LoraGradient.Term term, int r) {
    Matrix a = term.pair().a();
    Matrix bt = term.pair().bt();
    double[] ofA = new double[a.cols()];
    double[] ofB = new double[bt.cols()];
    for (int i = segment.from(); i < segment.to(); i++) {
      double u = 0;
      for (int k = 0; k < a.cols(); k++) {
        u += (double) a.get(r, k) * x.get(i, k);
      }
      double du = 0;
      for (int n = 0; n < bt.cols(); n++) {
        float slope = dy.get(i, term.pair().column() + n);
        du += (double) term.pair().scale() * bt.get(r, n) * slope;
        ofB[n] += (double) term.pair().scale() * u * slope;
      }
      for (int k = 0; k < a.cols(); k++) {
        ofA[k] += du * x.get(i, k);
        dx.set(i, k, (float) (dx.get(i, k) + du * a.get(r, k)));
      }
    }
    for (int k = 0; k < ofA.length; k++) {
      term.a().set(r, k, (float) (term.a().get(r, k) + ofA[k]));
    }
    for (int n = 0; n < ofB.length; n++) {
      term.bt().set(r, n, (float) (term.bt().get(r, n) + ofB[n]));
    }
  }

  @Override
  public void rmsNorm(Matrix x, float[] weight, float epsilon, Matrix dy, Matrix dx) {
    BackwardChecks.norm(x, weight, dy, dx);
    int n = x.cols();
    for (int i = 0; i < x.rows(); i++) {
      double squares = 0;
      double dot = 0;
      for (int j = 0; j < n; j++) {
        squares += (double) x.get(i, j) * x.get(i, j);
        dot += (double) dy.get(i, j) * weight[j] * x.get(i, j);
      }
      double r = 1 / Math.sqrt(squares / n + epsilon);
      for (int j = 0; j < n; j++) {
        double d = r * dy.get(i, j) * weight[j] - x.get(i, j) * r * r * r * dot / n;
        dx.set(i, j, (float) (dx.get(i, j) + d));
      }
    }
  }

  @Override
  public void rotate(Matrix dqkv, int[] positions, AttentionShape shape, Rotary rotary) {
    BackwardChecks.rotate(dqkv, positions, shape);
    for (int i = 0; i < dqkv.rows(); i++) {
      float[] table = rotary.at(positions[i]);
      int half = table.length / 2;
      for (int head = 0; head < shape.heads() + shape.kvHeads(); head++) {
        int from = head * shape.headDim();
        for (int d = 0; d < half; d++) {
          double first = dqkv.get(i, from + d);
          double second = dqkv.get(i, from + half + d);
          dqkv.set(i, from + d, (float) (first * table[d] + second * table[half + d]));
          dqkv.set(i, from + half + d, (float) (second * table[d] - first * table[half + d]));
        }
      }
    }
  }

  @Override
  public void attend(
      Matrix qkv,
      Matrix attended,
      Matrix dAttended,
      List<RowRun> runs,
      AttentionShape shape,
      Matrix dqkv) {
    BackwardChecks.attention(qkv, attended, dAttended, runs, shape, dqkv);
    double[][] gradients = new double[qkv.rows()][shape.width()];
    for (RowRun run : runs) {
      for (int t = run.prefixRows(); t < run.length(); t++) {
        for (int head = 0; head < shape.heads(); head++) {
          attend(qkv, dAttended, run, t, head, shape, gradients);
        }
      }
    }
    for (int i = 0; i < gradients.length; i++) {
      for (int j = 0; j < shape.width(); j++) {
        dqkv.set(i, j, (float) gradients[i][j]);
      }
    }
  }

  /// What token `at` of a sequence adds to the gradients as a query of one head.
  private static void attend(
      Matrix qkv,
      Matrix dAttended,
      RowRun run,
      int at,
      int head,
      AttentionShape shape,
      double[][] gradients) {
    int dim = shape.headDim();
    int row = run.row(at);
    int query = head * dim;
    int key = shape.queryWidth() + head / (shape.heads() / shape.kvHeads()) * dim;
    int value = key + shape.kvWidth();
    double scale = 1 / Math.sqrt(dim);
    int count = at + 1;
    double[] weights = new double[count];
    double[] slopes = new double[count];
    double largest = Double.NEGATIVE_INFINITY;
    for (int t = 0; t < count; t++) {
      for (int d = 0; d < dim; d++) {
        weights[t] += scale * qkv.get(row, query + d) * qkv.get(run.row(t), key + d);
        slopes[t] += (double) dAttended.get(row, query + d) * qkv.get(run.row(t), value + d);
      }
      largest = Math.max(largest, weights[t]);
    }
    double total = 0;
    for (int t = 0; t < count; t++) {
      weights[t] = Math.exp(weights[t] - largest);
      total += weights[t];
    }
    double mean = 0;
    for (int t = 0; t < count; t++) {
      weights[t] /= total;
      mean += weights[t] * slopes[t];
    }
    for (int t = 0; t < count; t++) {
      double slope = weights[t] * (slopes[t] - mean) * scale;
      for (int d = 0; d < dim; d++) {
        gradients[row][query + d] += slope * qkv.get(run.row(t), key + d);
        gradients[run.row(t)][key + d] += slope * qkv.get(row, query + d);
        gradients[run.row(t)][value + d] += weights[t] * dAttended.get(row, query + d);
      }
    }
  }

  @Override
  public void swiglu(Matrix gateUp, Matrix dy, Matrix dGateUp) {
    BackwardChecks.swiglu(gateUp, dy, dGateUp);
    for (int i = 0; i < dy.rows(); i++) {
      for (int j = 0; j < dy.cols(); j++) {
        double gate = gateUp.get(i, j);
        double up = gateUp.get(i, dy.cols() + j);
        double s = 1 / (1 + Math.exp(-gate));
        dGateUp.set(i, j, (float) (dy.get(i, j) * up * s * (1 + gate * (1 - s))));
        dGateUp.set(i, dy.cols() + j, (float) (dy.get(i, j) * gate * s));
      }
    }
  }

  @Override
  public void crossEntropy(
      Matrix logits, int[] targets, float[] weights, double[] losses, boolean gradient) {
    BackwardChecks.crossEntropy(logits, targets, weights, losses);
    for (int i = 0; i < logits.rows(); i++) {
      double largest = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < logits.cols(); j++) {
        largest = Math.max(largest, logits.get(i, j));
      }
      double sum = 0;
      for (int j = 0; j < logits.cols(); j++) {
        sum += Math.exp(logits.get(i, j) - largest);
      }
      losses[i] = Math.log(sum) + largest - logits.get(i, targets[i]);
      for (int j = 0; gradient && j < logits.cols(); j++) {
        double p = Math.exp(logits.get(i, j) - largest) / sum;
        logits.set(i, j, (float) (weights[i] * (p - (j == targets[i] ? 1 : 0))));
      }
    }
  }

  @Override
  public void adam(
      Bytes values, Bytes gradients, Bytes first, Bytes second, long from, long to, AdamStep step) {
    BackwardChecks.range(from, to, values, gradients, first, second);
    for (long at = 4 * from; at < 4 * to; at += 4) {
      double g = (double) step.gradientScale() * gradients.getFloat(at);
      double m = step.beta1() * (double) first.getFloat(at) + (1 - (double) step.beta1()) * g;
      double v = step.beta2() * (double) second.getFloat(at) + (1 - (double) step.beta2()) * g * g;
      first.putFloat(at, (float) m);
      second.putFloat(at, (float) v);
      double x = values.getFloat(at);
      double change = m / step.correction1() / (Math.sqrt(v / step.correction2()) + step.epsilon());
      values.putFloat(at, (float) (x - step.learningRate() * (step.weightDecay() * x + change)));
    }
  }

  @Override
  public double sumOfSquares(Bytes values, long from, long to) {
    BackwardChecks.range(from, to, values);
    double sum = 0;
    for (long at = 4 * from; at < 4 * to; at += 4) {
      sum += (double) values.getFloat(at) * values.getFloat(at);
    }
    return sum;
  }
}
