package dev.tributary.server.tensor;

import dev.tributary.server.tensor.FloatProduct.Place;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// The backward of low-rank pairs, in three passes with a barrier between: the pairs turned round;
/// `u = scale A x` and `du = scale Bᵀ dy` by blocks of rows; `dx`, and the gradients of the pairs
/// by blocks of columns.
///
/// A gradient of a pair sums all rows of its segment in their order, from 0, before it is added to
/// what was there.
final class LoraBackward {
  /// Rows of a block.
  private static final int ROWS = 32;

  /// Columns of a block of a gradient.
  private static final int COLUMNS = 128;

  private final Matrix x;
  private final Matrix dy;
  private final Matrix dx;
  private final List<Piece> pieces = new ArrayList<>();
  private final List<Block> blocks = new ArrayList<>();
  private final List<Runnable> last = new ArrayList<>();
  private final MemorySegment work;

  /// One term of one segment. Its places are byte offsets in `work`: A turned round, `[inputs,
  /// ranks]`; B, `[outputs, ranks]`; u and du, `[rows, ranks]`, ranks in whole vectors.
  private record Piece(
      LoraGradient segment, LoraGradient.Term term, int ranks, long a, long b, long u, long du) {
    int rows() {
      return segment.to() - segment.from();
    }

    int rank() {
      return term.pair().a().rows();
    }

    long end() {
      return du + 4L * ranks * rows();
    }
  }

  /// Rows `[from, to)` of a piece, counted from its segment's first.
  private record Block(Piece piece, int from, int to) {}

  /// @param shared keeps what a pass leaves for the next
  LoraBackward(Matrix x, Matrix dy, Matrix dx, List<LoraGradient> segments, Scratch shared) {
    this.x = x;
    this.dy = dy;
    this.dx = dx;
    long size = 0;
    List<List<Piece>> bySegment = new ArrayList<>();
    for (LoraGradient segment : segments) {
      List<Piece> own = new ArrayList<>();
      bySegment.add(own);
      for (LoraGradient.Term term : segment.terms()) {
        Piece piece = piece(segment, term, size);
        pieces.add(piece);
        own.add(piece);
        size = piece.end();
        for (int row = 0; row < piece.rows(); row += ROWS) {
          blocks.add(new Block(piece, row, Math.min(row + ROWS, piece.rows())));
        }
      }
    }
    work = shared.bytes(size).segment();
    for (int i = 0; i < segments.size(); i++) {
      addLast(segments.get(i), bySegment.get(i));
    }
  }

  private Piece piece(LoraGradient segment, LoraGradient.Term term, long at) {
    int ranks = Math.ceilDiv(term.pair().a().rows(), Lanes.LENGTH) * Lanes.LENGTH;
    long rankBytes = 4L * ranks;
    long b = at + rankBytes * x.cols();
    long u = b + rankBytes * term.pair().bt().cols();
    long du = u + rankBytes * (segment.to() - segment.from());
    return new Piece(segment, term, ranks, at, b, u, du);
  }

  private void addLast(LoraGradient segment, List<Piece> own) {
    for (int row = segment.from(); row < segment.to(); row += ROWS) {
      int from = row;
      int rows = Math.min(ROWS, segment.to() - row);
      last.add(() -> own.forEach(piece -> input(piece, from, rows)));
    }
    for (Piece piece : own) {
      Matrix a = piece.term.a();
      Matrix bt = piece.term.bt();
      Place inputs = Place.of(x, segment.from(), 0);
      Place outputs = Place.of(dy, segment.from(), piece.term.pair().column());
      addGradient(piece, piece.du, inputs, a);
      addGradient(piece, piece.u, outputs, bt);
    }
  }

  private void addGradient(Piece piece, long hidden, Place columns, Matrix gradient) {
    for (int col = 0; col < gradient.cols(); col += COLUMNS) {
      int from = col;
      int count = Math.min(COLUMNS, gradient.cols() - col);
      last.add(
          () ->
              FloatProduct.run(
                  hidden(piece, hidden).transposed(),
                  columns.from(0, from),
                  Place.of(gradient, 0, from),
                  piece.rank(),
                  count,
                  piece.rows(),
                  1,
                  true));
    }
  }

  private Place hidden(Piece piece, long at) {
    return new Place(work, at, 4L * piece.ranks, Float.BYTES);
  }

  /// Items of the first pass.
  int pieces() {
    return 2 * pieces.size();
  }

  /// Turns A or B of a piece round.
  void turn(int item) {
    Piece piece = pieces.get(item / 2);
    Matrix from = item % 2 == 0 ? piece.term.pair().a() : piece.term.pair().bt();
    long to = item % 2 == 0 ? piece.a : piece.b;
    long row = 4L * piece.ranks;
    if (piece.rank() < piece.ranks) {
      work.asSlice(to, row * from.cols()).fill((byte) 0);
    }
    Transpose.run(
        from.data().segment(), 0, 4L * from.cols(), from.rows(), from.cols(), work, to, row);
  }

  /// Items of the second pass.
  int blocks() {
    return blocks.size();
  }

  /// `u` and `du` of a block.
  void hidden(int item) {
    Block block = blocks.get(item);
    Piece piece = block.piece;
    LoraSegment.Term pair = piece.term.pair();
    int row = piece.segment.from() + block.from;
    int rows = block.to - block.from;
    Place a = new Place(work, piece.a, 4L * piece.ranks, Float.BYTES);
    Place b = new Place(work, piece.b, 4L * piece.ranks, Float.BYTES);
    Place u = hidden(piece, piece.u).from(block.from, 0);
    Place du = hidden(piece, piece.du).from(block.from, 0);
    FloatProduct.run(Place.of(x, row, 0), a, u, rows, piece.ranks, x.cols(), pair.scale(), false);
    FloatProduct.run(
        Place.of(dy, row, pair.column()),
        b,
        du,
        rows,
        piece.ranks,
        pair.bt().cols(),
        pair.scale(),
        false);
  }

  /// Items of the last pass.
  int last() {
    return last.size();
  }

  void last(int item) {
    last.get(item).run();
  }

  private void input(Piece piece, int from, int rows) {
    Matrix a = piece.term.pair().a();
    Place du = hidden(piece, piece.du).from(from - piece.segment.from(), 0);
    FloatProduct.run(
        du, Place.of(a, 0, 0), Place.of(dx, from, 0), rows, a.cols(), piece.rank(), 1, true);
  }
}
