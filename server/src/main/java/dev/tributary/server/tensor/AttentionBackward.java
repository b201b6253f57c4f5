package dev.tributary.server.tensor;

import dev.tributary.server.tensor.FloatProduct.Place;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/// Causal attention backward: a query head of a run of rows at a time, its weights computed again
/// in tiles of queries (as FlashAttention-2 does, Dao 2023, section 3.1).
///
/// With scores `S = Q Kᵀ / sqrt(dim)`, weights `P = softmax(S)`, and `D` the row sums of `dO * O`:
/// `dV = Pᵀ dO`, `dS = P * (dO Vᵀ - D)`, `dQ = dS K / sqrt(dim)`, `dK = dSᵀ Q / sqrt(dim)`. Heads
/// that share keys and values, and runs that share a prefix, leave what they add to its gradients
/// apart; it is added up in their order. Tiles begin at fixed places of a run, so its bits depend
/// on its sequence alone.
final class AttentionBackward {
  /// Queries of a tile.
  private static final int TILE = 64;

  private final Matrix qkv;
  private final Matrix attended;
  private final Matrix dAttended;
  private final List<RowRun> runs;
  private final AttentionShape shape;
  private final Matrix dqkv;
  private final float scale;

  /// For each run where among the parts its prefix's rows begin.
  private final int[] extras;

  /// Rows of a part: those of the matrix, then each run's prefix again.
  private final int partRows;

  /// For each row the rows of a part that are added up for it: itself, then those after it.
  private final int[][] sources;

  /// Gradients of keys, then of values, `[partRows, dim]` each, of every query head.
  private final MemorySegment parts;

  /// @param shared keeps what heads leave
  AttentionBackward(
      Matrix qkv,
      Matrix attended,
      Matrix dAttended,
      List<RowRun> runs,
      AttentionShape shape,
      Matrix dqkv,
      Scratch shared) {
    this.qkv = qkv;
    this.attended = attended;
    this.dAttended = dAttended;
    this.runs = runs;
    this.shape = shape;
    this.dqkv = dqkv;
    scale = 1 / (float) Math.sqrt(shape.headDim());
    extras = new int[runs.size()];
    sources = new int[qkv.rows()][];
    for (int row = 0; row < sources.length; row++) {
      sources[row] = new int[] {row};
    }
    int rows = qkv.rows();
    for (int i = 0; i < extras.length; i++) {
      RowRun run = runs.get(i);
      extras[i] = rows;
      for (int t = 0; t < run.prefixRows(); t++) {
        int[] before = sources[run.prefix() + t];
        int[] all = Arrays.copyOf(before, before.length + 1);
        all[before.length] = rows + t;
        sources[run.prefix() + t] = all;
      }
      rows += run.prefixRows();
    }
    partRows = rows;
    parts = shared.bytes(2 * shape.heads() * partBytes()).segment();
  }

  private long partBytes() {
    return 4L * partRows * shape.headDim();
  }

  /// Pairs of a run and a query head.
  int items() {
    return runs.size() * shape.heads();
  }

  /// Where the gradient of keys (0) or values (1) of a head begins, `[dim]` a row.
  private Place part(int head, int kind, int row) {
    long rowBytes = 4L * shape.headDim();
    long at = (2L * head + kind) * partBytes() + row * rowBytes;
    return new Place(parts, at, rowBytes, Float.BYTES);
  }

  /// One head of one run.
  void run(int item, Scratch scratch) {
    RowRun run = runs.get(item / shape.heads());
    int extra = extras[item / shape.heads()];
    int head = item % shape.heads();
    int before = run.prefixRows();
    int dim = shape.headDim();
    int key = shape.queryWidth() + head / (shape.heads() / shape.kvHeads()) * dim;
    int value = key + shape.kvWidth();
    int padded = Math.ceilDiv(run.length(), Lanes.LENGTH) * Lanes.LENGTH;
    long side = 4L * padded;
    MemorySegment work = scratch.bytes(side * (2L * dim + 2L * TILE)).segment();
    Place keys = new Place(work, 0, side, Float.BYTES);
    Place values = new Place(work, side * dim, side, Float.BYTES);
    Place weights = new Place(work, 2 * side * dim, side, Float.BYTES);
    Place slopes = new Place(work, side * (2L * dim + TILE), side, Float.BYTES);
    turn(key, run, keys);
    turn(value, run, values);
    for (int from = 0; from < run.rows(); from += TILE) {
      int rows = Math.min(TILE, run.rows() - from);
      int row = run.from() + from;
      int whole = Math.ceilDiv(before + from + rows, Lanes.LENGTH) * Lanes.LENGTH;
      Place queries = Place.of(qkv, row, head * dim);
      Place out = Place.of(dAttended, row, head * dim);
      FloatProduct.run(queries, keys, weights, rows, whole, dim, scale, false, scratch);
      FloatProduct.run(out, values, slopes, rows, whole, dim, 1, false, scratch);
      for (int i = 0; i < rows; i++) {
        float dot = dot(row + i, head * dim);
        int count = before + from + i + 1;
        soften(work, weights.at() + i * side, slopes.at() + i * side, count, whole, dot);
      }
      Place own = slopes.from(0, before);
      Place dq = Place.of(dqkv, row, head * dim);
      if (before > 0) {
        Place first = Place.of(qkv, run.prefix(), key);
        FloatProduct.run(slopes, first, dq, rows, dim, before, scale, false, scratch);
      }
      Place mine = Place.of(qkv, run.from(), key);
      FloatProduct.run(own, mine, dq, rows, dim, from + rows, scale, before > 0, scratch);
      // Keys that no tile before has seen are written, the others added to.
      boolean again = from > 0;
      add(slopes, queries, part(head, 0, extra), before, rows, scale, again, scratch);
      add(weights, out, part(head, 1, extra), before, rows, 1, again, scratch);
      Place ownWeights = weights.from(0, before);
      add(own, queries, part(head, 0, run.from()), from, rows, scale, true, scratch);
      add(ownWeights, out, part(head, 1, run.from()), from, rows, 1, true, scratch);
      add(own.from(0, from), queries, part(head, 0, row), rows, rows, scale, false, scratch);
      add(ownWeights.from(0, from), out, part(head, 1, row), rows, rows, 1, false, scratch);
    }
  }

  /// `part[keys, dim] (+)= scale shares[rows, keys]ᵀ of[rows, dim]`.
  private void add(
      Place shares,
      Place of,
      Place part,
      int keys,
      int rows,
      float factor,
      boolean add,
      Scratch scratch) {
    int dim = shape.headDim();
    FloatProduct.run(shares.transposed(), of, part, keys, dim, rows, factor, add, scratch);
  }

  /// Columns `[column, column + dim)` of the sequence turned round: `[dim][tokens]`, zeros after
  /// the last token.
  private void turn(int column, RowRun run, Place to) {
    int dim = shape.headDim();
    turn(column, run.prefix(), run.prefixRows(), to);
    turn(column, run.from(), run.rows(), to.from(0, run.prefixRows()));
    for (int d = 0; d < dim; d++) {
      for (long at = 4L * run.length(); at < to.row(); at += Float.BYTES) {
        to.memory().set(Bytes.FLOAT, to.at() + d * to.row() + at, 0);
      }
    }
  }

  private void turn(int column, int row, int rows, Place to) {
    Transpose.run(
        qkv.data().segment(),
        qkv.offset(row, column),
        4L * qkv.cols(),
        rows,
        shape.headDim(),
        to.memory(),
        to.at(),
        to.row());
  }

  /// `D` of a row and a head.
  private float dot(int row, int column) {
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

  /// Second pass: adds up what heads of a group, and runs after it, left for a row.
  void merge(int row) {
    int dim = shape.headDim();
    for (int kv = 0; kv < shape.kvHeads(); kv++) {
      for (int kind = 0; kind < 2; kind++) {
        int column = shape.queryWidth() + kind * shape.kvWidth() + kv * dim;
        merge(kv, kind, sources[row], dqkv.offset(row, column));
      }
    }
  }

  private void merge(int kv, int kind, int[] of, long into) {
    int dim = shape.headDim();
    int group = shape.heads() / shape.kvHeads();
    MemorySegment to = dqkv.data().segment();
    int d = 0;
    for (; d + Lanes.LENGTH <= dim; d += Lanes.LENGTH) {
      FloatVector sum = FloatVector.zero(Lanes.F);
      for (int source : of) {
        for (int head = kv * group; head < (kv + 1) * group; head++) {
          sum = sum.add(Lanes.f32(parts, part(head, kind, source).at() + 4L * d));
        }
      }
      Lanes.toF32(sum, to, into + 4L * d);
    }
    for (; d < dim; d++) {
      float sum = 0;
      for (int source : of) {
        for (int head = kv * group; head < (kv + 1) * group; head++) {
          sum += parts.get(Bytes.FLOAT, part(head, kind, source).at() + 4L * d);
        }
      }
      to.set(Bytes.FLOAT, into + 4L * d, sum);
    }
  }
}
