package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// `y = x Wᵀ` with four-bit weights, in float32 throughout.
///
/// Lanes hold neighbouring outputs, so no sum crosses lanes: each output adds its inputs in order,
/// one fused multiply-add each, whatever the number of rows. One row is multiplied with four blocks
/// of outputs at a time, more rows eight at a time with one block, so that enough independent sums
/// are under way to hide the latency of a multiply-add.
///
/// It took the place of libtorch's `_weight_int4pack_mm`, which rounds inputs and outputs to
/// bfloat16 and scales to bfloat16: three quarters of the distance from the float32 oracle came
/// from there.
final class Int4Kernel {
  /// Rows that are multiplied together.
  static final int TILE = 8;

  /// Blocks that a single row is multiplied with together.
  static final int STRIP = 4;

  private static final int LANES = Lanes.LENGTH;
  private static final int PAIRS = LinearWeights.GROUP / 2;
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final VectorSpecies<Byte> B =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, F.vectorBitSize() / 4)));

  private final Int4Linear weights;
  private final float[][] tiles;
  private final int rows;
  private final Matrix y;
  private final int column;

  /// @param tiles the input: for one row `[inputs]`; for more, tiles of [#TILE] rows
  ///   `[inputs][TILE]`
  Int4Kernel(Int4Linear weights, float[][] tiles, int rows, Matrix y, int column) {
    this.weights = weights;
    this.tiles = tiles;
    this.rows = rows;
    this.y = y;
    this.column = column;
  }

  /// Units of work that can be dealt: strips of blocks for one row, blocks for more.
  int units() {
    return rows == 1 ? Math.ceilDiv(weights.blocks(), STRIP) : weights.blocks();
  }

  /// Computes one unit.
  void run(int unit, Scratch scratch) {
    if (rows == 1) {
      strip(unit * STRIP, scratch);
    } else {
      block(unit, scratch);
    }
  }

  private void block(int block, Scratch scratch) {
    int count = weights.groups() * 2 * LANES;
    float[] parameters = scratch.floats(count + TILE * LANES);
    weights.parameters(block, parameters, scratch.shorts(count));
    long from = block * weights.blockBytes();
    for (int tile = 0; tile * TILE < rows; tile++) {
      multiply(weights.codes(), from, weights.groups(), parameters, tiles[tile], count);
      for (int i = 0; i < Math.min(TILE, rows - tile * TILE); i++) {
        store(tile * TILE + i, block, parameters, count + i * LANES);
      }
    }
  }

  /// Eight rows by one block; results go to `parameters[results..]`, a vector a row.
  private static void multiply(
      MemorySegment codes, long from, int groups, float[] parameters, float[] x, int results) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector s4 = s0;
    FloatVector s5 = s0;
    FloatVector s6 = s0;
    FloatVector s7 = s0;
    long at = from;
    int k = 0;
    for (int group = 0; group < groups; group++) {
      FloatVector scale = FloatVector.fromArray(F, parameters, group * 2 * LANES);
      FloatVector offset = FloatVector.fromArray(F, parameters, group * 2 * LANES + LANES);
      for (int pair = 0; pair < PAIRS; pair++, at += LANES, k += 2 * TILE) {
        IntVector both = pairs(codes, at);
        FloatVector w = low(both).fma(scale, offset);
        s0 = w.fma(FloatVector.broadcast(F, x[k]), s0);
        s1 = w.fma(FloatVector.broadcast(F, x[k + 1]), s1);
        s2 = w.fma(FloatVector.broadcast(F, x[k + 2]), s2);
        s3 = w.fma(FloatVector.broadcast(F, x[k + 3]), s3);
        s4 = w.fma(FloatVector.broadcast(F, x[k + 4]), s4);
        s5 = w.fma(FloatVector.broadcast(F, x[k + 5]), s5);
        s6 = w.fma(FloatVector.broadcast(F, x[k + 6]), s6);
        s7 = w.fma(FloatVector.broadcast(F, x[k + 7]), s7);
        w = high(both).fma(scale, offset);
        s0 = w.fma(FloatVector.broadcast(F, x[k + 8]), s0);
        s1 = w.fma(FloatVector.broadcast(F, x[k + 9]), s1);
        s2 = w.fma(FloatVector.broadcast(F, x[k + 10]), s2);
        s3 = w.fma(FloatVector.broadcast(F, x[k + 11]), s3);
        s4 = w.fma(FloatVector.broadcast(F, x[k + 12]), s4);
        s5 = w.fma(FloatVector.broadcast(F, x[k + 13]), s5);
        s6 = w.fma(FloatVector.broadcast(F, x[k + 14]), s6);
        s7 = w.fma(FloatVector.broadcast(F, x[k + 15]), s7);
      }
    }
    s0.intoArray(parameters, results);
    s1.intoArray(parameters, results + LANES);
    s2.intoArray(parameters, results + 2 * LANES);
    s3.intoArray(parameters, results + 3 * LANES);
    s4.intoArray(parameters, results + 4 * LANES);
    s5.intoArray(parameters, results + 5 * LANES);
    s6.intoArray(parameters, results + 6 * LANES);
    s7.intoArray(parameters, results + 7 * LANES);
  }

  /// One row by up to four blocks from `first`.
  private void strip(int first, Scratch scratch) {
    int count = weights.groups() * 2 * LANES;
    float[] parameters = scratch.floats((count + LANES) * STRIP);
    int blocks = Math.min(STRIP, weights.blocks() - first);
    short[] raw = scratch.shorts(count);
    float[] one = scratch.moreFloats(count);
    for (int i = 0; i < blocks; i++) {
      weights.parameters(first + i, one, raw);
      System.arraycopy(one, 0, parameters, i * count, count);
    }
    // Fewer than four blocks are filled up with the last one, whose product is then not stored.
    long size = weights.blockBytes();
    long last = (first + blocks - 1) * size;
    multiply(
        weights.codes(),
        first * size,
        Math.min((first + 1) * size, last),
        Math.min((first + 2) * size, last),
        Math.min((first + 3) * size, last),
        weights.groups(),
        parameters,
        tiles[0],
        count * STRIP);
    for (int i = 0; i < blocks; i++) {
      store(0, first + i, parameters, count * STRIP + i * LANES);
    }
  }

  private static void multiply(
      MemorySegment codes,
      long from0,
      long from1,
      long from2,
      long from3,
      int groups,
      float[] parameters,
      float[] x,
      int results) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int count = groups * 2 * LANES;
    long at = 0;
    int k = 0;
    for (int group = 0; group < groups; group++) {
      int p = group * 2 * LANES;
      FloatVector scale0 = FloatVector.fromArray(F, parameters, p);
      FloatVector offset0 = FloatVector.fromArray(F, parameters, p + LANES);
      FloatVector scale1 = FloatVector.fromArray(F, parameters, p + count);
      FloatVector offset1 = FloatVector.fromArray(F, parameters, p + count + LANES);
      FloatVector scale2 = FloatVector.fromArray(F, parameters, p + 2 * count);
      FloatVector offset2 = FloatVector.fromArray(F, parameters, p + 2 * count + LANES);
      FloatVector scale3 = FloatVector.fromArray(F, parameters, p + 3 * count);
      FloatVector offset3 = FloatVector.fromArray(F, parameters, p + 3 * count + LANES);
      for (int pair = 0; pair < PAIRS; pair++, at += LANES, k += 2) {
        FloatVector even = FloatVector.broadcast(F, x[k]);
        FloatVector odd = FloatVector.broadcast(F, x[k + 1]);
        IntVector both = pairs(codes, from0 + at);
        s0 = low(both).fma(scale0, offset0).fma(even, s0);
        s0 = high(both).fma(scale0, offset0).fma(odd, s0);
        both = pairs(codes, from1 + at);
        s1 = low(both).fma(scale1, offset1).fma(even, s1);
        s1 = high(both).fma(scale1, offset1).fma(odd, s1);
        both = pairs(codes, from2 + at);
        s2 = low(both).fma(scale2, offset2).fma(even, s2);
        s2 = high(both).fma(scale2, offset2).fma(odd, s2);
        both = pairs(codes, from3 + at);
        s3 = low(both).fma(scale3, offset3).fma(even, s3);
        s3 = high(both).fma(scale3, offset3).fma(odd, s3);
      }
    }
    s0.intoArray(parameters, results);
    s1.intoArray(parameters, results + LANES);
    s2.intoArray(parameters, results + 2 * LANES);
    s3.intoArray(parameters, results + 3 * LANES);
  }

  private void store(int row, int block, float[] results, int at) {
    int first = block * LANES;
    int count = Math.min(LANES, weights.outputs() - first);
    MemorySegment.copy(
        results, at, y.data().segment(), Bytes.FLOAT, y.offset(row, column + first), count);
  }

  private static IntVector pairs(MemorySegment codes, long at) {
    return (IntVector)
        ByteVector.fromMemorySegment(B, codes, at, LE)
            .convertShape(VectorOperators.ZERO_EXTEND_B2I, Lanes.I, 0);
  }

  private static FloatVector low(IntVector pairs) {
    return (FloatVector) pairs.and(15).convertShape(VectorOperators.I2F, F, 0);
  }

  private static FloatVector high(IntVector pairs) {
    return (FloatVector)
        pairs.lanewise(VectorOperators.LSHR, 4).convertShape(VectorOperators.I2F, F, 0);
  }
}
