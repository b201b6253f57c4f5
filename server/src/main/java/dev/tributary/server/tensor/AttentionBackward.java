package dev.tributary.server.tensor;

import dev.tributary.server.tensor.FloatProduct.Place;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Causal attention backward: a query head of a sequence at a time, its weights computed again in
/// tiles of queries (as FlashAttention-2 does, Dao 2023, section 3.1).
///
/// With scores `S = Q Kᵀ / sqrt(dim)`, weights `P = softmax(S)`, and `D` the row sums of `dO * O`:
/// `dV = Pᵀ dO`, `dS = P * (dO Vᵀ - D)`, `dQ = dS K / sqrt(dim)`, `dK = dSᵀ Q / sqrt(dim)`. Heads
/// that share keys and values leave theirs apart and are added up in their order. Tiles begin at
/// fixed places of a sequence, so a sequence's bits depend on it alone.
final class AttentionBackward {
  /// Queries of a tile.
  private static final int TILE = 64;

  private final Matrix qkv;
  private final Matrix attended;
  private final Matrix dAttended;
  private final int[] starts;
  private final AttentionShape shape;
  private final Matrix dqkv;
  private final float scale;

  /// Gradients of keys, then of values, `[rows, dim]` each, of every query head.
  private final MemorySegment parts;

  /// @param shared keeps what heads leave
  AttentionBackward(
      Matrix qkv,
      Matrix attended,
      Matrix dAttended,
      int[] starts,
      AttentionShape shape,
      Matrix dqkv,
      Scratch shared) {
    this.qkv = qkv;
    this.attended = attended;
    this.dAttended = dAttended;
    this.starts = starts;
    this.shape = shape;
    this.dqkv = dqkv;
    scale = 1 / (float) Math.sqrt(shape.headDim());
    parts = shared.bytes(2 * shape.heads() * partBytes()).segment();
  }

  private long partBytes() {
    return 4L * qkv.rows() * shape.headDim();
  }

  /// Pairs of a sequence and a query head.
  int items() {
    return (starts.length - 1) * shape.heads();
  }

  /// Where the gradient of keys (0) or values (1) of a head begins, `[dim]` a row.
  private Place part(int head, int kind, int row) {
    long rowBytes = 4L * shape.headDim();
    long at = (2L * head + kind) * partBytes() + row * rowBytes;
    return new Place(parts, at, rowBytes, Float.BYTES);
  }

  /// One head of one sequence.
  void run(int item, Scratch scratch) {
    int start = starts[item / shape.heads()];
    int length = starts[item / shape.heads() + 1] - start;
    int head = item % shape.heads();
    int dim = shape.headDim();
    int key = shape.queryWidth() + head / (shape.heads() / shape.kvHeads()) * dim;
    int value = key + shape.kvWidth();
    int padded = Math.ceilDiv(length, Lanes.LENGTH) * Lanes.LENGTH;
    long side = 4L * padded;
    MemorySegment work = scratch.bytes(side * (2L * dim + 2L * TILE)).segment();
    Place keys = new Place(work, 0, side, Float.BYTES);
    Place values = new Place(work, side * dim, side, Float.BYTES);
    Place weights = new Place(work, 2 * side * dim, side, Float.BYTES);
    Place slopes = new Place(work, side * (2L * dim + TILE), side, Float.BYTES);
    turn(key, start, length, keys);
    turn(value, start, length, values);
    for (int from = 0; from < length; from += TILE) {
      int rows = Math.min(TILE, length - from);
      int row = start + from;
      int seen = from + rows;
      int whole = Math.ceilDiv(seen, Lanes.LENGTH) * Lanes.LENGTH;
      Place queries = Place.of(qkv, row, head * dim);
      Place out = Place.of(dAttended, row, head * dim);
      FloatProduct.run(queries, keys, weights, rows, whole, dim, scale, false, scratch);
      FloatProduct.run(out, values, slopes, rows, whole, dim, 1, false, scratch);
      for (int i = 0; i < rows; i++) {
        float dot = dot(row + i, head * dim, scratch.lanes());
        soften(work, weights.at() + i * side, slopes.at() + i * side, from + i + 1, whole, dot);
      }
      Place dq = Place.of(dqkv, row, head * dim);
      FloatProduct.run(
          slopes, Place.of(qkv, start, key), dq, rows, dim, seen, scale, false, scratch);
      Place back = slopes.transposed();
      Place shares = weights.transposed();
      FloatProduct.run(back, queries, part(head, 0, start), from, dim, rows, scale, true, scratch);
      FloatProduct.run(shares, out, part(head, 1, start), from, dim, rows, 1, true, scratch);
      FloatProduct.run(
          back.from(from, 0), queries, part(head, 0, row), rows, dim, rows, scale, false, scratch);
      FloatProduct.run(
          shares.from(from, 0), out, part(head, 1, row), rows, dim, rows, 1, false, scratch);
    }
  }

  /// Columns `[column, column + dim)` of the sequence turned round: `[dim][tokens]`, zeros after
  /// the last token.
  private void turn(int column, int start, int length, Place to) {
    int dim = shape.headDim();
    Transpose.run(
        qkv.data().segment(),
        qkv.offset(start, column),
        4L * qkv.cols(),
        length,
        dim,
        to.memory(),
        to.at(),
        to.row());
    for (int d = 0; d < dim; d++) {
      for (long at = 4L * length; at < to.row(); at += Float.BYTES) {
        to.memory().set(Bytes.FLOAT, to.at() + d * to.row() + at, 0);
      }
    }
  }

  /// `D` of a row and a head.
  private float dot(int row, int column, float[] lanes) {
    MemorySegment left = attended.data().segment();
    MemorySegment right = dAttended.data().segment();
    long a = attended.offset(row, column);
    long b = dAttended.offset(row, column);
    int dim = shape.headDim();
    int whole = dim / Lanes.LENGTH * Lanes.LENGTH;
    FloatVector sums = FloatVector.zero(Lanes.F);
    for (int d = 0; d < whole; d += Lanes.LENGTH) {
      sums = Lanes.f32(left, a + 4L * d).fma(Lanes.f32(right, b + 4L * d), sums);
    }
    float sum = Lanes.sum(sums);
    for (int d = whole; d < dim; d++) {
      sum = Math.fma(left.get(Bytes.FLOAT, a + 4L * d), right.get(Bytes.FLOAT, b + 4L * d), sum);
    }
    return sum;
  }

  /// Turns `count` scores at `at` into weights and the gradients of the weights at `slope` into
  /// those of the scores; both are 0 from there to `whole`.
  private static void soften(
      MemorySegment work, long at, long slope, int count, int whole, float dot) {
    for (int t = count; t < whole; t++) {
      work.set(Bytes.FLOAT, at + 4L * t, Float.NEGATIVE_INFINITY);
    }
    FloatVector most = FloatVector.broadcast(Lanes.F, Float.NEGATIVE_INFINITY);
    for (int t = 0; t < whole; t += Lanes.LENGTH) {
      most = most.max(Lanes.f32(work, at + 4L * t));
    }
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < Lanes.LENGTH; i++) {
      largest = Math.max(largest, most.lane(i));
    }
    FloatVector total = FloatVector.zero(Lanes.F);
    for (int t = 0; t < whole; t += Lanes.LENGTH) {
      // What is later is clamped to exp(-87); it is set to 0 below.
      FloatVector weight = Lanes.exp(Lanes.f32(work, at + 4L * t).sub(largest));
      Lanes.toF32(weight, work, at + 4L * t);
      total = total.add(weight);
    }
    float share = 1 / Lanes.sum(total);
    for (int t = count; t < whole; t++) {
      work.set(Bytes.FLOAT, at + 4L * t, 0);
    }
    for (int t = 0; t < whole; t += Lanes.LENGTH) {
      FloatVector weight = Lanes.f32(work, at + 4L * t).mul(share);
      Lanes.toF32(weight, work, at + 4L * t);
      Lanes.toF32(weight.mul(Lanes.f32(work, slope + 4L * t).sub(dot)), work, slope + 4L * t);
    }
  }

  /// Second pass: adds up what the heads of a group left for a row.
  void merge(int row) {
    int dim = shape.headDim();
    int group = shape.heads() / shape.kvHeads();
    MemorySegment to = dqkv.data().segment();
    for (int kv = 0; kv < shape.kvHeads(); kv++) {
      for (int kind = 0; kind < 2; kind++) {
        long into = dqkv.offset(row, shape.queryWidth() + kind * shape.kvWidth() + kv * dim);
        int d = 0;
        for (; d + Lanes.LENGTH <= dim; d += Lanes.LENGTH) {
          FloatVector sum = Lanes.f32(parts, part(kv * group, kind, row).at() + 4L * d);
          for (int head = 1; head < group; head++) {
            sum = sum.add(Lanes.f32(parts, part(kv * group + head, kind, row).at() + 4L * d));
          }
          Lanes.toF32(sum, to, into + 4L * d);
        }
        for (; d < dim; d++) {
          float sum = parts.get(Bytes.FLOAT, part(kv * group, kind, row).at() + 4L * d);
          for (int head = 1; head < group; head++) {
            sum += parts.get(Bytes.FLOAT, part(kv * group + head, kind, row).at() + 4L * d);
          }
          to.set(Bytes.FLOAT, into + 4L * d, sum);
        }
      }
    }
  }
}
