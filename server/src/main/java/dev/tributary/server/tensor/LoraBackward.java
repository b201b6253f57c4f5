package dev.tributary.server.tensor;

import dev.tributary.server.tensor.FloatProduct.Place;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// The backward of low-rank pairs, in three passes with a barrier between: the pairs turned round;
/// `u = scale A x` and `du = scale Bᵀ dy` by blocks of rows; `dx`, and the gradients of the pairs
/// by blocks of columns.
///
/// The terms of a segment share x and dx, so their ranks lie side by side, each term's in whole
/// vectors with zeros after its last. A gradient of a pair sums all rows of its segment in their
/// order, from 0, before it is added to what was there.
final class LoraBackward {
  /// Rows of a block.
  private static final int ROWS = 32;

  /// Columns of a block of a gradient.
  private static final int COLUMNS = 64;

  private final Matrix x;
  private final Matrix dy;
  private final Matrix dx;
  private final List<Item> turns = new ArrayList<>();
  private final List<Item> rows = new ArrayList<>();
  private final List<Item> ends = new ArrayList<>();
  private final MemorySegment work;

  /// Something for one worker to do.
  private interface Item {
    void run(Scratch scratch);
  }

  /// A segment's places in `work`, byte offsets.
  ///
  /// @param ranks of all terms, padded
  /// @param a all A, `[ranks, inputs]`
  /// @param turned all A turned round, `[inputs, ranks]`
  /// @param u `[rows, ranks]`
  /// @param du `[rows, ranks]`
  private record Piece(
      LoraGradient segment, int ranks, long a, long turned, long u, long du, List<Part> parts) {
    int rows() {
      return segment.to() - segment.from();
    }
  }

  /// A term of a segment.
  ///
  /// @param first of its ranks among the segment's
  /// @param b byte offset of B in `work`, `[outputs, ranks]`
  private record Part(LoraGradient.Term term, int first, int ranks, long b) {}

  /// @param shared keeps what a pass leaves for the next
  LoraBackward(Matrix x, Matrix dy, Matrix dx, List<LoraGradient> segments, Scratch shared) {
    this.x = x;
    this.dy = dy;
    this.dx = dx;
    List<Piece> pieces = new ArrayList<>();
    long size = 0;
    for (LoraGradient segment : segments) {
      List<Part> parts = new ArrayList<>();
      int ranks = 0;
      for (LoraGradient.Term term : segment.terms()) {
        int own = Math.ceilDiv(term.pair().a().rows(), Lanes.LENGTH) * Lanes.LENGTH;
        parts.add(new Part(term, ranks, own, size));
        ranks += own;
        size += 4L * own * term.pair().bt().cols();
      }
      long a = size;
      long turned = a + 4L * ranks * x.cols();
      long u = turned + 4L * ranks * x.cols();
      long du = u + 4L * ranks * (segment.to() - segment.from());
      size = du + 4L * ranks * (segment.to() - segment.from());
      pieces.add(new Piece(segment, ranks, a, turned, u, du, parts));
    }
    work = shared.bytes(size).segment();
    pieces.forEach(this::plan);
  }

  private void plan(Piece piece) {
    LoraGradient segment = piece.segment;
    for (Part part : piece.parts) {
      turns.add(scratch -> turnA(piece, part));
      turns.add(scratch -> turnB(part));
    }
    for (int row = 0; row < piece.rows(); row += ROWS) {
      int from = row;
      int count = Math.min(ROWS, piece.rows() - row);
      rows.add(scratch -> hidden(piece, from, count, scratch));
      ends.add(scratch -> input(piece, from, count, scratch));
    }
    for (int col = 0; col < x.cols(); col += COLUMNS) {
      int from = col;
      ends.add(
          scratch -> {
            for (Part part : piece.parts) {
              Place columns = Place.of(x, segment.from(), 0);
              gradient(piece, part, piece.du, columns, part.term.a(), from, scratch);
            }
          });
    }
    for (Part part : piece.parts) {
      Place columns = Place.of(dy, segment.from(), part.term.pair().column());
      for (int col = 0; col < part.term.bt().cols(); col += COLUMNS) {
        int from = col;
        ends.add(scratch -> gradient(piece, part, piece.u, columns, part.term.bt(), from, scratch));
      }
    }
  }

  /// Items of the first pass.
  int turns() {
    return turns.size();
  }

  void turn(int item, Scratch scratch) {
    turns.get(item).run(scratch);
  }

  /// Items of the second pass.
  int rows() {
    return rows.size();
  }

  void row(int item, Scratch scratch) {
    rows.get(item).run(scratch);
  }

  /// Items of the last pass.
  int ends() {
    return ends.size();
  }

  void end(int item, Scratch scratch) {
    ends.get(item).run(scratch);
  }

  private void turnA(Piece piece, Part part) {
    Matrix a = part.term.pair().a();
    long width = 4L * a.cols();
    long to = piece.a + part.first * width;
    MemorySegment.copy(a.data().segment(), 0, work, to, a.rows() * width);
    work.asSlice(to + a.rows() * width, (part.ranks - a.rows()) * width).fill((byte) 0);
    long turned = piece.turned + 4L * part.first;
    Transpose.run(work, to, width, part.ranks, a.cols(), work, turned, 4L * piece.ranks);
  }

  private void turnB(Part part) {
    Matrix bt = part.term.pair().bt();
    if (bt.rows() < part.ranks) {
      work.asSlice(part.b, 4L * part.ranks * bt.cols()).fill((byte) 0);
    }
    Transpose.run(
        bt.data().segment(),
        0,
        4L * bt.cols(),
        bt.rows(),
        bt.cols(),
        work,
        part.b,
        4L * part.ranks);
  }

  private Place place(long at, int columns) {
    return new Place(work, at, 4L * columns, Float.BYTES);
  }

  /// `u` without its scale, and `du`, of rows from `from` on.
  private void hidden(Piece piece, int from, int count, Scratch scratch) {
    int row = piece.segment.from() + from;
    Place u = place(piece.u, piece.ranks).from(from, 0);
    Place turned = place(piece.turned, piece.ranks);
    FloatProduct.run(
        Place.of(x, row, 0), turned, u, count, piece.ranks, x.cols(), 1, false, scratch);
    for (Part part : piece.parts) {
      LoraSegment.Term pair = part.term.pair();
      FloatProduct.run(
          Place.of(dy, row, pair.column()),
          place(part.b, part.ranks),
          place(piece.du, piece.ranks).from(from, part.first),
          count,
          part.ranks,
          pair.bt().cols(),
          pair.scale(),
          false,
          scratch);
    }
  }

  private void input(Piece piece, int from, int count, Scratch scratch) {
    FloatProduct.run(
        place(piece.du, piece.ranks).from(from, 0),
        place(piece.a, x.cols()),
        Place.of(dx, piece.segment.from() + from, 0),
        count,
        x.cols(),
        piece.ranks,
        1,
        true,
        scratch);
  }

  /// Adds to a block of columns of a pair's gradient.
  ///
  /// @param hidden `u` for B's, `du` for A's
  /// @param columns of x or dy, from the segment's first row on
  private void gradient(
      Piece piece,
      Part part,
      long hidden,
      Place columns,
      Matrix gradient,
      int from,
      Scratch scratch) {
    FloatProduct.run(
        place(hidden, piece.ranks).from(0, part.first).transposed(),
        columns.from(0, from),
        Place.of(gradient, 0, from),
        gradient.rows(),
        Math.min(COLUMNS, gradient.cols() - from),
        piece.rows(),
        hidden == piece.u ? part.term.pair().scale() : 1,
        true,
        scratch);
  }
}
