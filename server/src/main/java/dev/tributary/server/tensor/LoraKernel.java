package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/// `y += scale B (A x)` for rows with different adapters.
///
/// Two passes with a barrier between: `h = A x`, dealt to workers by ranks; `y += scale B h`, dealt
/// by columns. A row pays for its own ranks only, and rows of a segment share the reads of `A`. The
/// terms of a row add up in float32, in their order, before they are added to `y`.
final class LoraKernel {
  private final Matrix y;
  private final List<LoraSegment> segments;
  private final float[][] x;
  private final float[] hidden;
  private final int[] hiddenFrom;

  /// @param x `[rows][inputs]`, the product's input widened to float32
  LoraKernel(Matrix y, List<LoraSegment> segments, float[][] x) {
    this.y = y;
    this.segments = segments;
    this.x = x;
    hiddenFrom = new int[segments.size()];
    int size = 0;
    for (int i = 0; i < hiddenFrom.length; i++) {
      hiddenFrom[i] = size;
      LoraSegment segment = segments.get(i);
      size += (segment.to() - segment.from()) * ranks(segment);
    }
    hidden = new float[size];
  }

  private static int ranks(LoraSegment segment) {
    int ranks = 0;
    for (LoraSegment.Term term : segment.terms()) {
      ranks += term.a().rows();
    }
    return ranks;
  }

  /// Ranks of all terms of all segments: the units of the first pass.
  int ranks() {
    int count = 0;
    for (LoraSegment segment : segments) {
      count += ranks(segment);
    }
    return count;
  }

  /// First pass: one rank of `h = A x`, for the rows of its segment.
  void down(int rank, Scratch scratch) {
    int s = 0;
    int r = rank;
    while (r >= ranks(segments.get(s))) {
      r -= ranks(segments.get(s++));
    }
    LoraSegment segment = segments.get(s);
    int at = hiddenFrom[s] + r;
    for (LoraSegment.Term term : segment.terms()) {
      if (r < term.a().rows()) {
        down(segment, term.a(), r, at, ranks(segment), scratch);
        return;
      }
      r -= term.a().rows();
    }
  }

  private void down(LoraSegment segment, Matrix a, int rank, int at, int ranks, Scratch scratch) {
    float[] wide = scratch.floats(a.cols());
    ElementKernels.widen(a, rank, wide);
    for (int row = segment.from(); row < segment.to(); row++) {
      hidden[at + (row - segment.from()) * ranks] =
          ProductKernel.dot(wide, x[row], a.cols(), scratch.lanes());
    }
  }

  /// Second pass: columns `[from, to)` of `y`.
  void up(int from, int to, Scratch scratch) {
    float[] delta = scratch.floats(y.cols());
    for (int s = 0; s < segments.size(); s++) {
      LoraSegment segment = segments.get(s);
      int ranks = ranks(segment);
      for (int row = segment.from(); row < segment.to(); row++) {
        Arrays.fill(delta, from, to, 0);
        int at = hiddenFrom[s] + (row - segment.from()) * ranks;
        for (LoraSegment.Term term : segment.terms()) {
          add(term, at, from, to, delta);
          at += term.a().rows();
        }
        finish(segment.outputScale(), row, from, to, delta);
      }
    }
  }

  private void add(LoraSegment.Term term, int at, int from, int to, float[] delta) {
    Matrix bt = term.bt();
    MemorySegment values = bt.data().segment();
    int first = Math.max(from, term.column());
    int last = Math.min(to, term.column() + bt.cols());
    if (first >= last) {
      return;
    }
    for (int r = 0; r < bt.rows(); r++) {
      float h = hidden[at + r] * term.scale();
      long from0 = bt.offset(r, first - term.column());
      // Apart by type: a vector that comes from one of two places would be boxed.
      int n =
          bt.type() == DType.BF16
              ? addBf16(values, from0, h, first, last, delta)
              : addF32(values, from0, h, first, last, delta);
      for (; n < last; n++) {
        delta[n] = Math.fma(bt.get(r, n - term.column()), h, delta[n]);
      }
    }
  }

  private static int addBf16(
      MemorySegment values, long at, float h, int first, int last, float[] delta) {
    FloatVector factor = FloatVector.broadcast(Lanes.F, h);
    int n = first;
    for (; n + Lanes.LENGTH <= last; n += Lanes.LENGTH) {
      Lanes.bf16(values, at + 2L * (n - first))
          .fma(factor, FloatVector.fromArray(Lanes.F, delta, n))
          .intoArray(delta, n);
    }
    return n;
  }

  private static int addF32(
      MemorySegment values, long at, float h, int first, int last, float[] delta) {
    FloatVector factor = FloatVector.broadcast(Lanes.F, h);
    int n = first;
    for (; n + Lanes.LENGTH <= last; n += Lanes.LENGTH) {
      Lanes.f32(values, at + 4L * (n - first))
          .fma(factor, FloatVector.fromArray(Lanes.F, delta, n))
          .intoArray(delta, n);
    }
    return n;
  }

  private void finish(float @Nullable [] scale, int row, int from, int to, float[] delta) {
    MemorySegment values = y.data().segment();
    int n = from;
    for (; n + Lanes.LENGTH <= to; n += Lanes.LENGTH) {
      long offset = y.offset(row, n);
      FloatVector sum = Lanes.f32(values, offset).add(FloatVector.fromArray(Lanes.F, delta, n));
      if (scale == null) {
        Lanes.toF32(sum, values, offset);
      } else {
        Lanes.toF32(sum.mul(FloatVector.fromArray(Lanes.F, scale, n)), values, offset);
      }
    }
    for (; n < to; n++) {
      float sum = y.get(row, n) + delta[n];
      y.set(row, n, scale == null ? sum : sum * scale[n]);
    }
  }
}
