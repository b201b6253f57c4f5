package dev.tributary.server.tensor;

import dev.tributary.identity.ComputePath;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Every operation in plain Java: one thread, one element at a time, sums in float64. The measure
/// of [CpuOps], and what small tests run on.
final class ReferenceOps implements Ops {

  /// Weights that stay as they came.
  record Plain(LinearWeights weights) implements Linear {
    @Override
    public int outputs() {
      return weights.outputs();
    }

    @Override
    public int inputs() {
      return weights.inputs();
    }

    @Override
    public String form() {
      return switch (weights) {
        case LinearWeights.Int4 int4 -> "int4";
        case LinearWeights.Int8 int8 -> "int8";
        case LinearWeights.Bf16 bf16 -> "bf16";
      };
    }

    @Override
    public long bytes() {
      return weights.bytes();
    }

    @Override
    public void row(int output, float[] row) {
      weights.row(output, row);
    }
  }

  @Override
  public void claimThread() {}

  @Override
  public Optional<BackwardOps> backward() {
    return Optional.of(new ReferenceBackward());
  }

  @Override
  public String numerics() {
    return "reference";
  }

  @Override
  public void ready() {}

  @Override
  public Linear pack(LinearWeights weights, boolean outliers) {
    return new Plain(weights);
  }

  @Override
  public void embed(int[] tokens, Linear table, Matrix x) {
    Checks.embed(tokens, table, x);
    float[] row = new float[x.cols()];
    for (int i = 0; i < tokens.length; i++) {
      table.row(tokens[i], row);
      for (int j = 0; j < row.length; j++) {
        x.set(i, j, row[j]);
      }
    }
  }

  @Override
  public void rmsNorm(Matrix x, int from, int to, float[] weight, float epsilon, Matrix y) {
    Checks.norm(x, from, to, weight, y);
    for (int i = from; i < to; i++) {
      double squares = 0;
      for (int j = 0; j < x.cols(); j++) {
        squares += (double) x.get(i, j) * x.get(i, j);
      }
      double scale = 1 / Math.sqrt(squares / x.cols() + epsilon);
      for (int j = 0; j < x.cols(); j++) {
        y.set(i, j, (float) (x.get(i, j) * scale * weight[j]));
      }
    }
  }

  @Override
  public int wideFrom() {
    return Integer.MAX_VALUE;
  }

  @Override
  public void linear(Matrix x, Linear weights, Matrix y, int column, ComputePath path) {
    Checks.linear(x, weights, y, column);
    product(x, weights, y, column);
  }

  @Override
  public void logits(Matrix x, Linear head, Matrix y, ComputePath path) {
    Checks.linear(x, head, y, 0);
    product(x, head, y, 0);
  }

  private static void product(Matrix x, Linear weights, Matrix y, int column) {
    float[] row = new float[weights.inputs()];
    for (int n = 0; n < weights.outputs(); n++) {
      weights.row(n, row);
      for (int i = 0; i < x.rows(); i++) {
        double sum = 0;
        for (int k = 0; k < row.length; k++) {
          sum += (double) x.get(i, k) * row[k];
        }
        y.set(i, column + n, (float) sum);
      }
    }
  }

  @Override
  public void lora(Matrix x, Matrix y, List<LoraSegment> segments) {
    for (LoraSegment segment : segments) {
      Checks.lora(x, y, segment);
      for (int i = segment.from(); i < segment.to(); i++) {
        double[] delta = new double[y.cols()];
        for (LoraSegment.Term term : segment.terms()) {
          add(term, x, i, delta);
        }
        float[] outputScale = segment.outputScale();
        for (int n = 0; n < y.cols(); n++) {
          y.set(
              i,
              n,
              (float) ((y.get(i, n) + delta[n]) * (outputScale == null ? 1 : outputScale[n])));
        }
      }
    }
  }

  private static void add(LoraSegment.Term term, Matrix x, int row, double[] delta) {
    for (int r = 0; r < term.a().rows(); r++) {
      double h = 0;
      for (int k = 0; k < x.cols(); k++) {
        h += (double) term.a().get(r, k) * x.get(row, k);
      }
      for (int n = 0; n < term.bt().cols(); n++) {
        delta[term.column() + n] += term.scale() * h * term.bt().get(r, n);
      }
    }
  }

  @Override
  public void addBias(Matrix y, float[] bias) {
    Checks.bias(y, bias);
    for (int i = 0; i < y.rows(); i++) {
      for (int j = 0; j < y.cols(); j++) {
        y.set(i, j, y.get(i, j) + bias[j]);
      }
    }
  }

  @Override
  public void rotateAndStore(
      Matrix qkv, Rows rows, Rotary rotary, @Nullable HeadNorms norms, KvCache cache, int layer) {
    Checks.attention(qkv, rows, cache, layer);
    AttentionShape shape = cache.shape();
    for (int i = 0; i < rows.count(); i++) {
      float[] table = rotary.at(rows.positions()[i]);
      for (int head = 0; head < shape.heads() + shape.kvHeads(); head++) {
        if (norms != null) {
          float[] weight = head < shape.heads() ? norms.query() : norms.key();
          normHead(qkv, i, head * shape.headDim(), weight, norms.epsilon());
        }
        rotate(qkv, i, head * shape.headDim(), table);
      }
      for (int kv = 0; kv < shape.kvHeads(); kv++) {
        for (int d = 0; d < shape.headDim(); d++) {
          int key = shape.queryWidth() + kv * shape.headDim() + d;
          cache.keys().putFloat(keyOffset(cache, rows, i, kv, d, layer), qkv.get(i, key));
          cache
              .values()
              .putFloat(
                  valueOffset(cache, rows, i, kv, d, layer), qkv.get(i, key + shape.kvWidth()));
        }
      }
    }
  }

  private static void normHead(Matrix qkv, int row, int from, float[] weight, float epsilon) {
    double squares = 0;
    for (int d = 0; d < weight.length; d++) {
      squares += (double) qkv.get(row, from + d) * qkv.get(row, from + d);
    }
    double scale = 1 / Math.sqrt(squares / weight.length + epsilon);
    for (int d = 0; d < weight.length; d++) {
      qkv.set(row, from + d, (float) (qkv.get(row, from + d) * scale * weight[d]));
    }
  }

  private static void rotate(Matrix qkv, int row, int from, float[] table) {
    int half = table.length / 2;
    for (int d = 0; d < half; d++) {
      float first = qkv.get(row, from + d);
      float second = qkv.get(row, from + half + d);
      qkv.set(row, from + d, first * table[d] - second * table[half + d]);
      qkv.set(row, from + half + d, second * table[d] + first * table[half + d]);
    }
  }

  private static long keyOffset(KvCache cache, Rows rows, int row, int kv, int d, int layer) {
    return keyOffset(cache, rows.pages()[row], rows.positions()[row], kv, d, layer);
  }

  private static long valueOffset(KvCache cache, Rows rows, int row, int kv, int d, int layer) {
    return valueOffset(cache, rows.pages()[row], rows.positions()[row], kv, d, layer);
  }

  private static long keyOffset(
      KvCache cache, int[] pages, int position, int kv, int d, int layer) {
    return cache.offset(layer, pages[position / KvCache.PAGE], kv)
        + 4L * (d * KvCache.PAGE + position % KvCache.PAGE);
  }

  private static long valueOffset(
      KvCache cache, int[] pages, int position, int kv, int d, int layer) {
    return cache.offset(layer, pages[position / KvCache.PAGE], kv)
        + 4L * (position % KvCache.PAGE * cache.shape().headDim() + d);
  }

  @Override
  public void attend(Matrix qkv, Rows rows, KvCache cache, int layer, Matrix y) {
    Checks.attention(qkv, rows, cache, layer);
    AttentionShape shape = cache.shape();
    for (int i = 0; i < rows.count(); i++) {
      for (int head = 0; head < shape.heads(); head++) {
        attend(qkv, rows, i, head, cache, layer, y);
      }
    }
  }

  private static void attend(
      Matrix qkv, Rows rows, int row, int head, KvCache cache, int layer, Matrix y) {
    AttentionShape shape = cache.shape();
    int kv = head / (shape.heads() / shape.kvHeads());
    int[] pages = rows.pages()[row];
    double[] scores = new double[rows.positions()[row] + 1];
    double largest = Double.NEGATIVE_INFINITY;
    for (int t = 0; t < scores.length; t++) {
      double dot = 0;
      for (int d = 0; d < shape.headDim(); d++) {
        dot +=
            (double) qkv.get(row, head * shape.headDim() + d)
                * cache.keys().getFloat(keyOffset(cache, pages, t, kv, d, layer));
      }
      scores[t] = dot / Math.sqrt(shape.headDim());
      largest = Math.max(largest, scores[t]);
    }
    double total = 0;
    for (int t = 0; t < scores.length; t++) {
      scores[t] = Math.exp(scores[t] - largest);
      total += scores[t];
    }
    for (int d = 0; d < shape.headDim(); d++) {
      double sum = 0;
      for (int t = 0; t < scores.length; t++) {
        sum += scores[t] * cache.values().getFloat(valueOffset(cache, pages, t, kv, d, layer));
      }
      y.set(row, head * shape.headDim() + d, (float) (sum / total));
    }
  }

  @Override
  public void swiglu(Matrix gateUp, Matrix y) {
    Checks.swiglu(gateUp, y);
    for (int i = 0; i < y.rows(); i++) {
      for (int j = 0; j < y.cols(); j++) {
        double gate = gateUp.get(i, j);
        y.set(i, j, (float) (gate / (1 + Math.exp(-gate)) * gateUp.get(i, y.cols() + j)));
      }
    }
  }

  @Override
  public void add(Matrix x, Matrix delta) {
    Checks.sameShape(x, delta);
    for (int i = 0; i < x.rows(); i++) {
      for (int j = 0; j < x.cols(); j++) {
        x.set(i, j, x.get(i, j) + delta.get(i, j));
      }
    }
  }

  @Override
  public void close() {}
}
