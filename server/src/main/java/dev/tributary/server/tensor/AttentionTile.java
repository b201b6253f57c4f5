package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The inner loops of [AttentionKernel]: [#QUERIES] queries that share the reads of keys and
/// values, by one block of tokens.
///
/// Every score adds its dimensions in order, every output its tokens in order, one fused
/// multiply-add each: how many queries or tokens go together changes no bit.
final class AttentionTile {
  static final int QUERIES = 4;

  /// Vectors of tokens, or of dimensions, that a loop takes at a time.
  private static final int VECTORS = 4;

  private AttentionTile() {}

  /// `scores[q][t] = query[q] · key[t]` for tokens `[0, count)` of the block, and for some after
  /// them, which repeat the last page.
  ///
  /// @param pages byte offset in `keys` of each page of the block, `[dim][slot]`
  /// @param queries `[dim][QUERIES]` at `query`
  /// @param scores `[QUERIES][BLOCK]`
  static void scores(
      MemorySegment keys,
      long[] pages,
      int count,
      float[] queries,
      int query,
      int dim,
      float[] scores,
      int to) {
    int vectors = Math.ceilDiv(count, Lanes.LENGTH);
    for (int v = 0; v < vectors; v += VECTORS) {
      scores(
          keys,
          vector(pages, v),
          vector(pages, Math.min(v + 1, vectors - 1)),
          vector(pages, Math.min(v + 2, vectors - 1)),
          vector(pages, Math.min(v + 3, vectors - 1)),
          queries,
          query,
          dim,
          scores,
          to + v * Lanes.LENGTH);
    }
  }

  /// Where dimension 0 of the block's vector `v` of tokens lies.
  private static long vector(long[] pages, int v) {
    int token = v * Lanes.LENGTH;
    return pages[token / KvCache.PAGE] + 4L * (token % KvCache.PAGE);
  }

  private static void scores(
      MemorySegment keys,
      long k0,
      long k1,
      long k2,
      long k3,
      float[] queries,
      int query,
      int dim,
      float[] scores,
      int to) {
    FloatVector s00 = FloatVector.zero(Lanes.F);
    FloatVector s01 = s00;
    FloatVector s02 = s00;
    FloatVector s03 = s00;
    FloatVector s10 = s00;
    FloatVector s11 = s00;
    FloatVector s12 = s00;
    FloatVector s13 = s00;
    FloatVector s20 = s00;
    FloatVector s21 = s00;
    FloatVector s22 = s00;
    FloatVector s23 = s00;
    FloatVector s30 = s00;
    FloatVector s31 = s00;
    FloatVector s32 = s00;
    FloatVector s33 = s00;
    for (int d = 0; d < dim; d++) {
      long at = 4L * KvCache.PAGE * d;
      int from = query + d * QUERIES;
      FloatVector v0 = Lanes.f32(keys, k0 + at);
      FloatVector v1 = Lanes.f32(keys, k1 + at);
      FloatVector v2 = Lanes.f32(keys, k2 + at);
      FloatVector v3 = Lanes.f32(keys, k3 + at);
      FloatVector factor = FloatVector.broadcast(Lanes.F, queries[from]);
      s00 = v0.fma(factor, s00);
      s01 = v1.fma(factor, s01);
      s02 = v2.fma(factor, s02);
      s03 = v3.fma(factor, s03);
      factor = FloatVector.broadcast(Lanes.F, queries[from + 1]);
      s10 = v0.fma(factor, s10);
      s11 = v1.fma(factor, s11);
      s12 = v2.fma(factor, s12);
      s13 = v3.fma(factor, s13);
      factor = FloatVector.broadcast(Lanes.F, queries[from + 2]);
      s20 = v0.fma(factor, s20);
      s21 = v1.fma(factor, s21);
      s22 = v2.fma(factor, s22);
      s23 = v3.fma(factor, s23);
      factor = FloatVector.broadcast(Lanes.F, queries[from + 3]);
      s30 = v0.fma(factor, s30);
      s31 = v1.fma(factor, s31);
      s32 = v2.fma(factor, s32);
      s33 = v3.fma(factor, s33);
    }
    s00.intoArray(scores, to);
    s01.intoArray(scores, to + Lanes.LENGTH);
    s02.intoArray(scores, to + 2 * Lanes.LENGTH);
    s03.intoArray(scores, to + 3 * Lanes.LENGTH);
    s10.intoArray(scores, to + AttentionKernel.BLOCK);
    s11.intoArray(scores, to + AttentionKernel.BLOCK + Lanes.LENGTH);
    s12.intoArray(scores, to + AttentionKernel.BLOCK + 2 * Lanes.LENGTH);
    s13.intoArray(scores, to + AttentionKernel.BLOCK + 3 * Lanes.LENGTH);
    s20.intoArray(scores, to + 2 * AttentionKernel.BLOCK);
    s21.intoArray(scores, to + 2 * AttentionKernel.BLOCK + Lanes.LENGTH);
    s22.intoArray(scores, to + 2 * AttentionKernel.BLOCK + 2 * Lanes.LENGTH);
    s23.intoArray(scores, to + 2 * AttentionKernel.BLOCK + 3 * Lanes.LENGTH);
    s30.intoArray(scores, to + 3 * AttentionKernel.BLOCK);
    s31.intoArray(scores, to + 3 * AttentionKernel.BLOCK + Lanes.LENGTH);
    s32.intoArray(scores, to + 3 * AttentionKernel.BLOCK + 2 * Lanes.LENGTH);
    s33.intoArray(scores, to + 3 * AttentionKernel.BLOCK + 3 * Lanes.LENGTH);
  }

  /// Turns scores `[0, count)` at `at` into weights: `exp(score - largest)`. Their sum and the
  /// largest score go to `part[0]` and `part[1]` from `to` on.
  static void softmax(float[] scores, int at, int count, float[] lanes, float[] part, int to) {
    FloatVector most = FloatVector.broadcast(Lanes.F, Float.NEGATIVE_INFINITY);
    int whole = count / Lanes.LENGTH * Lanes.LENGTH;
    for (int t = 0; t < whole; t += Lanes.LENGTH) {
      most = most.max(FloatVector.fromArray(Lanes.F, scores, at + t));
    }
    most.intoArray(lanes, 0);
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < Lanes.LENGTH; i++) {
      largest = Math.max(largest, lanes[i]);
    }
    for (int t = whole; t < count; t++) {
      largest = Math.max(largest, scores[at + t]);
    }
    FloatVector total = FloatVector.zero(Lanes.F);
    for (int t = 0; t < whole; t += Lanes.LENGTH) {
      FloatVector weights = Lanes.exp(FloatVector.fromArray(Lanes.F, scores, at + t).sub(largest));
      weights.intoArray(scores, at + t);
      total = total.add(weights);
    }
    float sum = Lanes.sum(total);
    for (int t = whole; t < count; t++) {
      scores[at + t] = Lanes.exp(scores[at + t] - largest);
      sum += scores[at + t];
    }
    part[to] = sum;
    part[to + 1] = largest;
  }

  /// `out[q][d] = sum over tokens [0, count) of weight[q][t] value[t][d]`.
  ///
  /// @param pages byte offset in `values` of each page of the block, `[slot][dim]`
  /// @param weights `[QUERIES][BLOCK]` at `at`
  /// @param outs where each query's `[dim]` lies in `out`
  static void weigh(
      MemorySegment values,
      long[] pages,
      int count,
      float[] weights,
      int at,
      int dim,
      float[] out,
      int[] outs) {
    int vectors = dim / Lanes.LENGTH;
    for (int v = 0; v < vectors; v += VECTORS) {
      weighVectors(values, pages, count, weights, at, dim, v, out, outs);
    }
    for (int d = vectors * Lanes.LENGTH; d < dim; d++) {
      for (int q = 0; q < QUERIES; q++) {
        out[outs[q] + d] = 0;
      }
    }
    for (int q = 0; q < QUERIES && vectors * Lanes.LENGTH < dim; q++) {
      int from = at + q * AttentionKernel.BLOCK;
      weighTail(values, pages, 0, count, weights, from, dim, out, outs[q]);
    }
  }

  /// Vectors of dimensions from `v` on; where fewer are left the last is computed again.

  private static void weighVectors(
      MemorySegment values,
      long[] pages,
      int count,
      float[] weights,
      int at,
      int dim,
      int v,
      float[] out,
      int[] outs) {
    int last = (dim / Lanes.LENGTH - 1) * Lanes.LENGTH;
    int d0 = v * Lanes.LENGTH;
    int d1 = Math.min((v + 1) * Lanes.LENGTH, last);
    int d2 = Math.min((v + 2) * Lanes.LENGTH, last);
    int d3 = Math.min((v + 3) * Lanes.LENGTH, last);
    FloatVector s00 = FloatVector.zero(Lanes.F);
    FloatVector s01 = s00;
    FloatVector s02 = s00;
    FloatVector s03 = s00;
    FloatVector s10 = s00;
    FloatVector s11 = s00;
    FloatVector s12 = s00;
    FloatVector s13 = s00;
    FloatVector s20 = s00;
    FloatVector s21 = s00;
    FloatVector s22 = s00;
    FloatVector s23 = s00;
    FloatVector s30 = s00;
    FloatVector s31 = s00;
    FloatVector s32 = s00;
    FloatVector s33 = s00;
    for (int from = 0; from < count; from += KvCache.PAGE) {
      long base = pages[from / KvCache.PAGE];
      int tokens = Math.min(KvCache.PAGE, count - from);
      for (int t = 0; t < tokens; t++) {
        long row = base + 4L * t * dim;
        int w = at + from + t;
        FloatVector v0 = Lanes.f32(values, row + 4L * d0);
        FloatVector v1 = Lanes.f32(values, row + 4L * d1);
        FloatVector v2 = Lanes.f32(values, row + 4L * d2);
        FloatVector v3 = Lanes.f32(values, row + 4L * d3);
        FloatVector factor = FloatVector.broadcast(Lanes.F, weights[w]);
        s00 = v0.fma(factor, s00);
        s01 = v1.fma(factor, s01);
        s02 = v2.fma(factor, s02);
        s03 = v3.fma(factor, s03);
        factor = FloatVector.broadcast(Lanes.F, weights[w + AttentionKernel.BLOCK]);
        s10 = v0.fma(factor, s10);
        s11 = v1.fma(factor, s11);
        s12 = v2.fma(factor, s12);
        s13 = v3.fma(factor, s13);
        factor = FloatVector.broadcast(Lanes.F, weights[w + 2 * AttentionKernel.BLOCK]);
        s20 = v0.fma(factor, s20);
        s21 = v1.fma(factor, s21);
        s22 = v2.fma(factor, s22);
        s23 = v3.fma(factor, s23);
        factor = FloatVector.broadcast(Lanes.F, weights[w + 3 * AttentionKernel.BLOCK]);
        s30 = v0.fma(factor, s30);
        s31 = v1.fma(factor, s31);
        s32 = v2.fma(factor, s32);
        s33 = v3.fma(factor, s33);
      }
    }
    s00.intoArray(out, outs[0] + d0);
    s01.intoArray(out, outs[0] + d1);
    s02.intoArray(out, outs[0] + d2);
    s03.intoArray(out, outs[0] + d3);
    s10.intoArray(out, outs[1] + d0);
    s11.intoArray(out, outs[1] + d1);
    s12.intoArray(out, outs[1] + d2);
    s13.intoArray(out, outs[1] + d3);
    s20.intoArray(out, outs[2] + d0);
    s21.intoArray(out, outs[2] + d1);
    s22.intoArray(out, outs[2] + d2);
    s23.intoArray(out, outs[2] + d3);
    s30.intoArray(out, outs[3] + d0);
    s31.intoArray(out, outs[3] + d1);
    s32.intoArray(out, outs[3] + d2);
    s33.intoArray(out, outs[3] + d3);
  }

  /// Adds tokens `[from, count)` of one query to what [#weigh] left of it.
  ///
  /// @param at where the query's weights begin
  static void weighOne(
      MemorySegment values,
      long[] pages,
      int from,
      int count,
      float[] weights,
      int at,
      int dim,
      float[] out,
      int to) {
    int whole = dim / Lanes.LENGTH * Lanes.LENGTH;
    for (int t = from; t < count; t++) {
      long row = pages[t / KvCache.PAGE] + 4L * (t % KvCache.PAGE) * dim;
      FloatVector factor = FloatVector.broadcast(Lanes.F, weights[at + t]);
      for (int d = 0; d < whole; d += Lanes.LENGTH) {
        Lanes.f32(values, row + 4L * d)
            .fma(factor, FloatVector.fromArray(Lanes.F, out, to + d))
            .intoArray(out, to + d);
      }
    }
    weighTail(values, pages, from, count, weights, at, dim, out, to);
  }

  /// Dimensions after the last whole vector.
  private static void weighTail(
      MemorySegment values,
      long[] pages,
      int from,
      int count,
      float[] weights,
      int at,
      int dim,
      float[] out,
      int to) {
    for (int d = dim / Lanes.LENGTH * Lanes.LENGTH; d < dim; d++) {
      float sum = out[to + d];
      for (int t = from; t < count; t++) {
        long offset = pages[t / KvCache.PAGE] + 4L * ((long) (t % KvCache.PAGE) * dim + d);
        sum = Math.fma(values.get(Bytes.FLOAT, offset), weights[at + t], sum);
      }
      out[to + d] = sum;
    }
  }
}
