package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/// Norms of heads, rotation, and the write to the cache: one row at a time.
final class RotaryKernel {
  private final Matrix qkv;
  private final Rows rows;
  private final KvCache cache;
  private final AttentionShape shape;
  private final int layer;

  RotaryKernel(Matrix qkv, Rows rows, KvCache cache, int layer) {
    this.qkv = qkv;
    this.rows = rows;
    this.cache = cache;
    this.shape = cache.shape();
    this.layer = layer;
  }

  /// Normalises and rotates the heads of `row` and stores its keys and values.
  ///
  /// @param table cosines, then sines, of the row's position
  void run(int row, float[] table, Ops.@Nullable HeadNorms norms) {
    int dim = shape.headDim();
    for (int h = 0; h < shape.heads() + shape.kvHeads(); h++) {
      if (norms != null) {
        float[] weight = h < shape.heads() ? norms.query() : norms.key();
        ElementKernels.rmsNorm(qkv, row, h * dim, weight, norms.epsilon(), qkv);
      }
      rotate(qkv.data().segment(), qkv.offset(row, h * dim), table);
    }
    store(row);
  }

  /// The head at byte `at`.
  ///
  /// @param table cosines, then sines; sines of the other sign turn it back
  static void rotate(MemorySegment values, long at, float[] table) {
    int half = table.length / 2;
    int d = 0;
    for (; d + Lanes.LENGTH <= half; d += Lanes.LENGTH) {
      FloatVector first = Lanes.f32(values, at + 4L * d);
      FloatVector second = Lanes.f32(values, at + 4L * (half + d));
      FloatVector cos = FloatVector.fromArray(Lanes.F, table, d);
      FloatVector sin = FloatVector.fromArray(Lanes.F, table, half + d);
      Lanes.toF32(first.mul(cos).sub(second.mul(sin)), values, at + 4L * d);
      Lanes.toF32(second.mul(cos).add(first.mul(sin)), values, at + 4L * (half + d));
    }
    for (; d < half; d++) {
      float first = values.get(Bytes.FLOAT, at + 4L * d);
      float second = values.get(Bytes.FLOAT, at + 4L * (half + d));
      values.set(Bytes.FLOAT, at + 4L * d, first * table[d] - second * table[half + d]);
      values.set(Bytes.FLOAT, at + 4L * (half + d), second * table[d] + first * table[half + d]);
    }
  }

  private void store(int row) {
    int page = rows.pages()[row][rows.positions()[row] / KvCache.PAGE];
    int slot = rows.positions()[row] % KvCache.PAGE;
    int dim = shape.headDim();
    MemorySegment from = qkv.data().segment();
    MemorySegment keys = cache.keys().segment();
    for (int kv = 0; kv < shape.kvHeads(); kv++) {
      long key = qkv.offset(row, shape.queryWidth() + kv * dim);
      long value = key + 4L * shape.kvWidth();
      long to = cache.offset(layer, page, kv);
      for (int d = 0; d < dim; d++) {
        keys.set(
            Bytes.FLOAT, to + 4L * (d * KvCache.PAGE + slot), from.get(Bytes.FLOAT, key + 4L * d));
      }
      cache.values().copyFrom(qkv.data(), value, to + 4L * slot * dim, 4L * dim);
    }
  }
}
