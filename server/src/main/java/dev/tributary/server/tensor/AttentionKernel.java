package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/// Rotation, the write to the cache, and causal attention over pages.
final class AttentionKernel {
  private static final int PAGE = KvCache.PAGE;

  private final Matrix qkv;
  private final Rows rows;
  private final KvCache cache;
  private final AttentionShape shape;
  private final int layer;

  AttentionKernel(Matrix qkv, Rows rows, KvCache cache, int layer) {
    this.qkv = qkv;
    this.rows = rows;
    this.cache = cache;
    this.shape = cache.shape();
    this.layer = layer;
  }

  /// Normalises and rotates the heads of `row` and stores its keys and values.
  void rotateAndStore(int row, float[] table, Ops.@Nullable HeadNorms norms, Scratch scratch) {
    int dim = shape.headDim();
    float[] head = scratch.floats(dim);
    for (int h = 0; h < shape.heads() + shape.kvHeads(); h++) {
      long at = qkv.offset(row, h * dim);
      MemorySegment.copy(qkv.data().segment(), Bytes.FLOAT, at, head, 0, dim);
      if (norms != null) {
        normalise(head, dim, h < shape.heads() ? norms.query() : norms.key(), norms.epsilon());
      }
      rotate(head, table);
      MemorySegment.copy(head, 0, qkv.data().segment(), Bytes.FLOAT, at, dim);
    }
    store(row);
  }

  private static void normalise(float[] head, int dim, float[] weight, float epsilon) {
    float squares = 0;
    for (int d = 0; d < dim; d++) {
      squares = Math.fma(head[d], head[d], squares);
    }
    float scale = 1 / (float) Math.sqrt(squares / dim + epsilon);
    for (int d = 0; d < dim; d++) {
      head[d] = head[d] * scale * weight[d];
    }
  }

  private static void rotate(float[] head, float[] table) {
    int half = table.length / 2;
    for (int d = 0; d < half; d++) {
      float first = head[d];
      float second = head[half + d];
      head[d] = first * table[d] - second * table[half + d];
      head[half + d] = second * table[d] + first * table[half + d];
    }
  }

  private void store(int row) {
    int page = rows.pages()[row][rows.positions()[row] / PAGE];
    int slot = rows.positions()[row] % PAGE;
    int dim = shape.headDim();
    for (int kv = 0; kv < shape.kvHeads(); kv++) {
      long key = qkv.offset(row, shape.queryWidth() + kv * dim);
      long value = key + 4L * shape.kvWidth();
      long to = cache.offset(layer, page, kv);
      for (int d = 0; d < dim; d++) {
        cache.keys().putFloat(to + 4L * (d * PAGE + slot), qkv.data().getFloat(key + 4L * d));
        cache.values().putFloat(to + 4L * (slot * dim + d), qkv.data().getFloat(value + 4L * d));
      }
    }
  }

  /// Attention of one row for the query heads that share key and value head `kv`.
  void attend(int row, int kv, Matrix y, Scratch scratch) {
    int length = rows.positions()[row] + 1;
    int padded = (length + PAGE - 1) / PAGE * PAGE;
    int dim = shape.headDim();
    // Scores, then the query, then the output.
    float[] work = scratch.floats(padded + 2 * dim);
    int group = shape.heads() / shape.kvHeads();
    for (int head = kv * group; head < (kv + 1) * group; head++) {
      long at = qkv.offset(row, head * dim);
      float scale = 1 / (float) Math.sqrt(dim);
      for (int d = 0; d < dim; d++) {
        work[padded + d] = qkv.data().getFloat(at + 4L * d) * scale;
      }
      scores(rows.pages()[row], kv, padded, work);
      float total = softmax(work, length, padded, scratch.lanes());
      weigh(rows.pages()[row], kv, length, padded, work);
      for (int d = 0; d < dim; d++) {
        y.data().putFloat(y.offset(row, head * dim + d), work[padded + dim + d] / total);
      }
    }
  }

  /// `work[t] = query · key[t]`, a page at a time: lanes hold tokens, so no lane is summed with
  /// another.
  private void scores(int[] pages, int kv, int padded, float[] work) {
    MemorySegment keys = cache.keys().segment();
    int dim = shape.headDim();
    int half = dim / 2;
    for (int t = 0; t < padded; t += Lanes.LENGTH) {
      long base = cache.offset(layer, pages[t / PAGE], kv) + 4L * (t % PAGE);
      FloatVector even = FloatVector.zero(Lanes.F);
      FloatVector odd = even;
      for (int d = 0; d < half; d++) {
        long at = base + 4L * PAGE * 2 * d;
        even = Lanes.f32(keys, at).fma(broadcast(work[padded + 2 * d]), even);
        odd = Lanes.f32(keys, at + 4L * PAGE).fma(broadcast(work[padded + 2 * d + 1]), odd);
      }
      even.add(odd).intoArray(work, t);
    }
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(Lanes.F, value);
  }

  /// Turns scores `[0, length)` into weights (not normalised), zeroes the padding; returns their
  /// sum.
  private static float softmax(float[] work, int length, int padded, float[] lanes) {
    float largest = Float.NEGATIVE_INFINITY;
    for (int t = 0; t < length; t++) {
      largest = Math.max(largest, work[t]);
    }
    for (int t = length; t < padded; t++) {
      work[t] = Float.NEGATIVE_INFINITY;
    }
    FloatVector total = FloatVector.zero(Lanes.F);
    for (int t = 0; t < padded; t += Lanes.LENGTH) {
      FloatVector weights = Lanes.exp(FloatVector.fromArray(Lanes.F, work, t).sub(largest));
      weights.intoArray(work, t);
      if (t + Lanes.LENGTH > length) {
        for (int p = Math.max(t, length); p < t + Lanes.LENGTH; p++) {
          work[p] = 0; // exp clamps: minus infinity gives a tiny weight, not none
        }
        weights = FloatVector.fromArray(Lanes.F, work, t);
      }
      total = total.add(weights);
    }
    return Lanes.sum(total, lanes);
  }

  /// `work[padded + dim + d] = sum over t of weight[t] * value[t][d]`.
  private void weigh(int[] pages, int kv, int length, int padded, float[] work) {
    MemorySegment values = cache.values().segment();
    int dim = shape.headDim();
    int to = padded + dim;
    int d = 0;
    for (; d + Lanes.LENGTH <= dim; d += Lanes.LENGTH) {
      FloatVector sum = FloatVector.zero(Lanes.F);
      for (int from = 0; from < length; from += PAGE) {
        long base = cache.offset(layer, pages[from / PAGE], kv) + 4L * d;
        int end = Math.min(PAGE, length - from);
        for (int t = 0; t < end; t++) {
          sum = Lanes.f32(values, base + 4L * t * dim).fma(broadcast(work[from + t]), sum);
        }
      }
      sum.intoArray(work, to + d);
    }
    for (; d < dim; d++) {
      float sum = 0;
      for (int t = 0; t < length; t++) {
        long at = cache.offset(layer, pages[t / PAGE], kv) + 4L * (t % PAGE * dim + d);
        sum = Math.fma(cache.values().getFloat(at), work[t], sum);
      }
      work[to + d] = sum;
    }
  }
}
