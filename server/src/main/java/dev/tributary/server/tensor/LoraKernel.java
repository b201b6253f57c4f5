package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// `y += scale B (A x)` for rows with different adapters.
///
/// Rows of a segment go in tiles of up to [#TILE] that share the reads of `A` and `B`. A tile is
/// done by one worker from its first rank to its last output, which reads an adapter once, front to
/// back; where there are fewer tiles than workers, [#down] and [#up] deal a tile's ranks and its
/// outputs, with a barrier between.
///
/// Either way a row's `h = A x` adds its inputs lane by lane in their order, the lanes by a tree;
/// each output adds its ranks to `y` in the order of the terms, one fused multiply-add each.
final class LoraKernel {
  /// Rows that share a widened copy of a pair.
  private static final int TILE = 32;

  /// Multiply-adds of a tile that are not worth a barrier: about 5 µs.
  private static final int SMALL = 1 << 17;

  /// Unit in which outputs are dealt: whole cache lines of bfloat16.
  private static final int CHUNK = 64;

  private final Matrix x;
  private final Matrix y;
  private final List<Tile> tiles;
  private final float[] hidden;

  /// Rows `[row, row + rows)` of `segment`. Their `h` lies at `hidden`, by blocks of rows, in each
  /// `[ranks][block's rows]`, the ranks of each term padded to a multiple of [LowRank#RANKS].
  private record Tile(LoraSegment segment, int row, int rows, int ranks, int hidden) {
    /// Rows that are multiplied together, places after the last row repeat it.
    int width() {
      return rows == 1 ? 1 : LowRank.ROWS;
    }

    int blocks() {
      return Math.ceilDiv(rows, width());
    }

    int hidden(int block, int rank) {
      return hidden + (block * ranks + rank) * width();
    }

    /// Byte offsets of `column` in the rows of a block of `matrix`.
    long[] offsets(int block, Matrix matrix, int column) {
      long[] offsets = new long[width()];
      for (int i = 0; i < offsets.length; i++) {
        offsets[i] = matrix.offset(row + Math.min(block * width() + i, rows - 1), column);
      }
      return offsets;
    }
  }

  /// @param shared keeps `h` between the passes
  LoraKernel(Matrix x, Matrix y, List<LoraSegment> segments, Scratch shared) {
    this.x = x;
    this.y = y;
    tiles = new ArrayList<>();
    int size = 0;
    for (LoraSegment segment : segments) {
      int ranks = 0;
      for (LoraSegment.Term term : segment.terms()) {
        ranks += padded(term);
      }
      for (int row = segment.from(); row < segment.to(); row += TILE) {
        Tile tile = new Tile(segment, row, Math.min(TILE, segment.to() - row), ranks, size);
        tiles.add(tile);
        size += tile.blocks() * ranks * tile.width();
      }
    }
    hidden = shared.floats(size);
  }

  private static int padded(LoraSegment.Term term) {
    return Math.ceilDiv(term.a().rows(), LowRank.RANKS) * LowRank.RANKS;
  }

  int tiles() {
    return tiles.size();
  }

  /// Whether every tile is done sooner by one worker than two could share it.
  boolean small() {
    for (Tile tile : tiles) {
      long products = 0;
      for (LoraSegment.Term term : tile.segment.terms()) {
        products += (long) tile.rows * term.a().rows() * (term.a().cols() + term.bt().cols());
      }
      if (products > SMALL) {
        return false;
      }
    }
    return true;
  }

  /// All of one tile, term by term: the order in which the pairs lie in memory.
  void run(int index, Scratch scratch) {
    Tile tile = tiles.get(index);
    if (tile.rows == 1) {
      for (LoraSegment.Term term : tile.segment.terms()) {
        scratch.fetch(term.a());
        scratch.fetch(term.bt());
      }
    }
    int place = 0;
    for (LoraSegment.Term term : tile.segment.terms()) {
      for (int rank = 0; rank < term.a().rows(); rank += LowRank.RANKS) {
        down(tile, term, rank, place + rank, scratch);
      }
      up(tile, term, place, 0, y.cols(), scratch);
      place += padded(term);
    }
    scale(tile, 0, y.cols());
  }

  /// First pass, `h = scale A x`: share `part` of `parts` of a tile's ranks.
  void down(int index, int part, int parts, Scratch scratch) {
    Tile tile = tiles.get(index);
    int place = 0;
    for (LoraSegment.Term term : tile.segment.terms()) {
      int units = padded(term) / LowRank.RANKS;
      for (int unit = units * part / parts; unit < units * (part + 1) / parts; unit++) {
        int rank = unit * LowRank.RANKS;
        down(tile, term, rank, place + rank, scratch);
      }
      place += padded(term);
    }
  }

  /// Second pass: share `part` of `parts` of a tile's outputs.
  void up(int index, int part, int parts, Scratch scratch) {
    Tile tile = tiles.get(index);
    int chunks = Math.ceilDiv(y.cols(), CHUNK);
    int from = chunks * part / parts * CHUNK;
    int to = Math.min(chunks * (part + 1) / parts * CHUNK, y.cols());
    int place = 0;
    for (LoraSegment.Term term : tile.segment.terms()) {
      up(tile, term, place, from, to, scratch);
      place += padded(term);
    }
    scale(tile, from, to);
  }

  private void down(Tile tile, LoraSegment.Term term, int rank, int place, Scratch scratch) {
    Matrix a = term.a();
    int ranks = Math.min(LowRank.RANKS, a.rows() - rank);
    Matrix read = a;
    int from = rank;
    if (tile.rows > 1 && a.type() == DType.BF16) {
      read = scratch.matrix(ranks, a.cols());
      ElementKernels.widen(a, rank, 0, read);
      from = 0;
    }
    float[] sums = scratch.floats(LowRank.RANKS * LowRank.ROWS * Lanes.LENGTH);
    int used = ranks * tile.width();
    for (int block = 0; block < tile.blocks(); block++) {
      int at = tile.hidden(block, place);
      long[] rows = tile.offsets(block, x, 0);
      LowRank.dots(read, from, x.data().segment(), rows, hidden, at, sums);
      for (int i = 0; i < LowRank.RANKS * rows.length; i++) {
        hidden[at + i] = i < used ? hidden[at + i] * term.scale() : 0;
      }
    }
  }

  /// Columns `[from, to)` of a term.
  private void up(Tile tile, LoraSegment.Term term, int place, int from, int to, Scratch scratch) {
    int first = Math.max(from - term.column(), 0);
    int last = Math.min(to - term.column(), term.bt().cols());
    if (first < last) {
      for (int rank = 0; rank < term.bt().rows(); rank += LowRank.RANKS) {
        up(tile, term, rank, place + rank, first, last, scratch);
      }
    }
  }

  private void up(
      Tile tile, LoraSegment.Term term, int rank, int place, int first, int last, Scratch scratch) {
    Matrix bt = term.bt();
    Matrix read = bt;
    int from = rank;
    int column = first;
    if (tile.rows > 1 && bt.type() == DType.BF16) {
      read = scratch.matrix(Math.min(LowRank.RANKS, bt.rows() - rank), last - first);
      ElementKernels.widen(bt, rank, first, read);
      from = 0;
      column = 0;
    }
    for (int block = 0; block < tile.blocks(); block++) {
      long[] rows = tile.offsets(block, y, term.column() + first);
      MemorySegment out = y.data().segment();
      int at = tile.hidden(block, place);
      LowRank.add(read, from, column, last - first, out, rows, hidden, at);
    }
  }

  private void scale(Tile tile, int from, int to) {
    float[] scale = tile.segment.outputScale();
    if (scale != null) {
      for (int row = tile.row; row < tile.row + tile.rows; row++) {
        ElementKernels.scale(y, row, scale, from, to);
      }
    }
  }
}
