package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// One call's segments and terms in the layout of `lora.cu`, in one block of memory: segments,
/// terms, DoRA's output scales, page tables.
///
/// Counts are rounded up to powers of two, by segments without rows and terms without ranks, so
/// that steps whose adapters differ a little launch the same grids.
final class CudaLoraPlan {
  private static final int SEGMENT_BYTES = 40;
  private static final int TERM_BYTES = 48;

  private final List<LoraSegment> segments;
  private final List<int[]> tables = new ArrayList<>();
  private int terms;
  private int mostRanks;
  private int mostRows;
  private long hidden;
  private long scales;
  private long entries;

  CudaLoraPlan(List<LoraSegment> segments, CudaAdapters adapters) {
    this.segments = segments;
    for (LoraSegment segment : segments) {
      int rows = segment.to() - segment.from();
      mostRows = Math.max(mostRows, rows);
      hidden += (long) rows * ranks(segment);
      float[] scale = segment.outputScale();
      scales += scale == null ? 0 : scale.length;
      for (LoraSegment.Term term : segment.terms()) {
        terms++;
        mostRanks = Math.max(mostRanks, term.a().rows());
        add(adapters.pages(term.a().data()));
        add(adapters.pages(term.bt().data()));
      }
    }
  }

  private void add(int[] table) {
    tables.add(table);
    entries += table.length;
  }

  private static int ranks(LoraSegment segment) {
    int ranks = 0;
    for (LoraSegment.Term term : segment.terms()) {
      ranks += term.a().rows();
    }
    return ranks;
  }

  /// Segments, rounded up.
  int segments() {
    return powerOfTwo(segments.size());
  }

  /// Terms, rounded up.
  int terms() {
    return powerOfTwo(terms);
  }

  /// Ranks of the term with the most, rounded up.
  int mostRanks() {
    return powerOfTwo(mostRanks);
  }

  /// Rows of the segment with the most, rounded up.
  int mostRows() {
    return powerOfTwo(mostRows);
  }

  /// The least power of two that is no less than `count`; 0 of 0.
  static int powerOfTwo(int count) {
    return count <= 1 ? count : Integer.highestOneBit(count - 1) << 1;
  }

  /// Floats of the first pass's result: for every row its ranks.
  long hidden() {
    return hidden;
  }

  long size() {
    return scalesAt() + Float.BYTES * scales + Integer.BYTES * entries;
  }

  long termsAt() {
    return (long) SEGMENT_BYTES * segments();
  }

  private long scalesAt() {
    return termsAt() + (long) TERM_BYTES * terms();
  }

  /// Writes all of it.
  ///
  /// @param address device pointer that `into` is going to have
  void write(MemorySegment into, long address) {
    long scaleAt = scalesAt();
    into.asSlice(0, scaleAt).fill((byte) 0);
    long tableAt = scaleAt + Float.BYTES * scales;
    int term = 0;
    int table = 0;
    long hiddenAt = 0;
    for (int s = 0; s < segments.size(); s++) {
      LoraSegment segment = segments.get(s);
      float[] scale = segment.outputScale();
      long scaleAddress = scale == null ? 0 : address + scaleAt;
      write(into, (long) SEGMENT_BYTES * s, segment, term, hiddenAt, scaleAddress);
      if (scale != null) {
        MemorySegment.copy(scale, 0, into, Bytes.FLOAT, scaleAt, scale.length);
        scaleAt += (long) Float.BYTES * scale.length;
      }
      hiddenAt += (long) (segment.to() - segment.from()) * ranks(segment);
      int rank = 0;
      for (LoraSegment.Term pair : segment.terms()) {
        long at = termsAt() + (long) TERM_BYTES * term++;
        write(into, at, pair, rank, s);
        into.set(Bytes.LONG, at, address + tableAt);
        tableAt = table(into, tableAt, tables.get(table++));
        into.set(Bytes.LONG, at + 8, address + tableAt);
        tableAt = table(into, tableAt, tables.get(table++));
        rank += pair.a().rows();
      }
    }
  }

  private static void write(
      MemorySegment into, long at, LoraSegment segment, int term, long hidden, long scale) {
    into.set(Bytes.INT, at, segment.from());
    into.set(Bytes.INT, at + 4, segment.to());
    into.set(Bytes.INT, at + 8, term);
    into.set(Bytes.INT, at + 12, term + segment.terms().size());
    into.set(Bytes.INT, at + 16, ranks(segment));
    into.set(Bytes.INT, at + 20, 0);
    into.set(Bytes.LONG, at + 24, hidden);
    into.set(Bytes.LONG, at + 32, scale);
  }

  private static void write(
      MemorySegment into, long at, LoraSegment.Term term, int rank, int segment) {
    into.set(Bytes.INT, at + 16, term.a().type() == DType.BF16 ? 1 : 0);
    into.set(Bytes.INT, at + 20, term.bt().type() == DType.BF16 ? 1 : 0);
    into.set(Bytes.INT, at + 24, term.a().rows());
    into.set(Bytes.INT, at + 28, term.bt().cols());
    into.set(Bytes.INT, at + 32, term.column());
    into.set(Bytes.INT, at + 36, rank);
    into.set(Bytes.INT, at + 40, segment);
    into.set(Bytes.FLOAT, at + 44, term.scale());
  }

  private static long table(MemorySegment into, long at, int[] pages) {
    MemorySegment.copy(pages, 0, into, Bytes.INT, at, pages.length);
    return at + (long) Integer.BYTES * pages.length;
  }
}
