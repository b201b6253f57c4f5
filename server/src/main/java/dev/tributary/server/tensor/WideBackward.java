package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/// The wide path backward: `dx (+)= dy W`, gradients and weights rounded to bfloat16, sums in
/// float32 by oneDNN's microkernel, as [WideKernel] forward.
///
/// Here outputs are what is summed over, so the panel is `[outputs / 2][inputs][2]`. The order of a
/// sum's terms is free as long as both operands have the same: pairs are outputs `j` and `j +
/// LANES` of a unit of [PackedLinear], which lie in one lane of two vectors, so that rounding two
/// vectors to one of pairs needs no shuffle. Then 16 inputs by 16 pairs are turned round.
///
/// A head has more outputs than a cache takes panels of: they are taken in chunks at fixed places,
/// added up in their order.
final class WideBackward {
  /// Rows of one call, as in [WideKernel].
  private static final int TILE = 64;

  /// Outputs of a chunk: a multiple of a unit's.
  private static final int CHUNK = 4096;

  /// Inputs that are dequantised together.
  private static final int SIDE = 16;

  private static final int LANES = Lanes.LENGTH;
  private static final int UNIT = PackedLinear.UNIT;
  private static final int GROUP = LinearWeights.GROUP;
  private static final int UPPER = 0xffff0000;
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

  private final Libtorch libtorch;
  private final Linear weights;
  private final Matrix dy;
  private final @Nullable Matrix rest;
  private final Matrix dx;
  private final boolean add;
  private final int width;

  /// @param weights [PackedLinear] or [DenseLinear]
  /// @param dy of [#narrow]
  /// @param rest what the rounding of dy left, likewise, or null
  /// @param workers among whom panels are dealt
  WideBackward(
      Libtorch libtorch,
      Linear weights,
      Matrix dy,
      @Nullable Matrix rest,
      Matrix dx,
      boolean add,
      int workers) {
    this.libtorch = libtorch;
    this.weights = weights;
    this.dy = dy;
    this.rest = rest;
    this.dx = dx;
    this.add = add;
    int panels = Math.ceilDiv(weights.inputs(), 2 * GROUP);
    width = panels % workers == 0 || panels > 8 * workers ? 2 * GROUP : GROUP;
  }

  /// Columns of the rounded dy: outputs in whole units.
  static int columns(int outputs) {
    return Math.ceilDiv(outputs, UNIT) * UNIT;
  }

  /// Panels of inputs, which can be dealt.
  int units() {
    return Math.ceilDiv(weights.inputs(), width);
  }

  /// Computes one panel of dx.
  void run(int panel, Scratch scratch) {
    int from = panel * width;
    int inputs = Math.min(width, weights.inputs() - from);
    int most = Math.min(CHUNK, dy.cols());
    long panelBytes = 2L * most * width;
    MemorySegment memory = scratch.bytes(panelBytes + 4L * SIDE * SIDE).segment();
    for (int output = 0; output < dy.cols(); output += CHUNK) {
      int outputs = Math.min(CHUNK, dy.cols() - output);
      switch (weights) {
        case PackedLinear packed ->
            dequantise(packed, output, outputs, from, inputs, memory, panelBytes, scratch);
        case DenseLinear(LinearWeights.Bf16 bf16) ->
            interleave(bf16, output, outputs, from, inputs, memory);
        default -> throw new IllegalArgumentException("weights of another device: " + weights);
      }
      for (int row = 0; row < dx.rows(); row += TILE) {
        int rows = Math.min(TILE, dx.rows() - row);
        multiply(rows, inputs, outputs, add || output > 0, dy, row, output, memory, from);
        if (rest != null) {
          multiply(rows, inputs, outputs, true, rest, row, output, memory, from);
        }
      }
    }
  }

  private void multiply(
      int rows,
      int inputs,
      int outputs,
      boolean sum,
      Matrix a,
      int row,
      int output,
      MemorySegment panel,
      int from) {
    libtorch.bf16Product(
        rows,
        inputs,
        outputs,
        sum,
        a.data().segment().address() + a.offset(row, output),
        a.cols(),
        panel.address(),
        inputs,
        dx.data().segment().address() + dx.offset(row, from),
        dx.cols());
  }

  /// Outputs `[output, output + outputs)` by inputs `[from, from + inputs)`, whole units by whole
  /// groups, to the front of `memory`.
  private static void dequantise(
      PackedLinear weights,
      int output,
      int outputs,
      int from,
      int inputs,
      MemorySegment memory,
      long tile,
      Scratch scratch) {
    int groups = inputs / GROUP;
    float[] parameters = scratch.floats(groups * 2 * UNIT);
    for (int unit = 0; unit < outputs / UNIT; unit++) {
      weights.parameters(output / UNIT + unit, from / GROUP, groups, parameters);
      int codes = (output / UNIT + unit) * weights.unitWords();
      for (int input = 0; input < inputs; input += SIDE) {
        int at = codes + (from + input) * weights.bits() / Integer.SIZE * UNIT;
        int parameter = input / GROUP * 2 * UNIT;
        pairs(weights.bits(), weights.codes(), at, parameters, parameter, memory, tile);
        long to = 4L * (unit * LANES * inputs + input);
        Transpose.run(memory, tile, 4L * LANES, SIDE, LANES, memory, to, 4L * inputs);
      }
    }
  }

  /// 16 inputs of a unit, `[input][pair of outputs]`, to `to`.
  private static void pairs(
      int bits,
      int[] codes,
      int from,
      float[] parameters,
      int parameter,
      MemorySegment memory,
      long to) {
    IntVector field = IntVector.broadcast(Lanes.I, PackedLinear.field(bits));
    IntVector one = IntVector.broadcast(Lanes.I, PackedLinear.ONE);
    FloatVector scale0 = FloatVector.fromArray(Lanes.F, parameters, parameter);
    FloatVector scale1 = FloatVector.fromArray(Lanes.F, parameters, parameter + LANES);
    FloatVector offset0 = FloatVector.fromArray(Lanes.F, parameters, parameter + UNIT);
    FloatVector offset1 = FloatVector.fromArray(Lanes.F, parameters, parameter + UNIT + LANES);
    for (int i = 0; i < SIDE; i++) {
      int at = from + i * bits / Integer.SIZE * UNIT;
      int bit = i * bits;
      IntVector first =
          IntVector.fromArray(Lanes.I, codes, at)
              .lanewise(VectorOperators.ROR, bit)
              .and(field)
              .or(one)
              .reinterpretAsFloats()
              .fma(scale0, offset0)
              .reinterpretAsInts();
      IntVector second =
          IntVector.fromArray(Lanes.I, codes, at + LANES)
              .lanewise(VectorOperators.ROR, bit)
              .and(field)
              .or(one)
              .reinterpretAsFloats()
              .fma(scale1, offset1)
              .reinterpretAsInts();
      // To the nearest, ties away from zero, as forward.
      first
          .add(0x8000)
          .lanewise(VectorOperators.LSHR, 16)
          .or(second.add(0x8000).and(UPPER))
          .intoMemorySegment(memory, to + 4L * i * LANES, LE);
    }
  }

  /// The same panel of weights that are bfloat16 already; outputs after the last are 0.
  private static void interleave(
      LinearWeights.Bf16 weights,
      int output,
      int outputs,
      int from,
      int inputs,
      MemorySegment memory) {
    Matrix values = new Matrix(weights.values(), DType.BF16, weights.outputs(), weights.inputs());
    for (int pair = 0; pair < outputs / 2; pair++) {
      int low = output + pair / LANES * UNIT + pair % LANES;
      int high = low + LANES;
      for (int i = 0; i < inputs; i++) {
        int bits = low < values.rows() ? bits(values, low, from + i) : 0;
        bits |= high < values.rows() ? bits(values, high, from + i) << 16 : 0;
        memory.set(Bytes.INT, 4L * (pair * inputs + i), bits);
      }
    }
  }

  private static int bits(Matrix values, int row, int col) {
    return values.data().getShort(values.offset(row, col)) & 0xffff;
  }

  /// Rounds `outputs` columns of a row of dy from `column` on to bfloat16, to the nearest, ties to
  /// even, in the order of the panel; columns after the last are 0.
  ///
  /// @param rest takes what the rounding left, rounded in its turn, or null
  static void narrow(
      Matrix dy, int row, int column, int outputs, Matrix to, @Nullable Matrix rest) {
    MemorySegment in = dy.data().segment();
    MemorySegment out = to.data().segment();
    int whole = outputs / UNIT * UNIT;
    for (int unit = 0; unit < whole; unit += UNIT) {
      FloatVector low = Lanes.f32(in, dy.offset(row, column + unit));
      FloatVector high = Lanes.f32(in, dy.offset(row, column + unit + LANES));
      IntVector first = rounded(low);
      IntVector second = rounded(high);
      pair(first, second).intoMemorySegment(out, to.offset(row, unit), LE);
      if (rest != null) {
        IntVector left = rounded(low.sub(first.reinterpretAsFloats()));
        IntVector right = rounded(high.sub(second.reinterpretAsFloats()));
        pair(left, right).intoMemorySegment(rest.data().segment(), rest.offset(row, unit), LE);
      }
    }
    for (int i = 0; i < to.cols() - whole; i++) {
      int output = whole + i / 2 + (i % 2) * LANES;
      float value = output < outputs ? dy.get(row, column + output) : 0;
      to.set(row, whole + i, value);
      if (rest != null) {
        rest.set(row, whole + i, value - to.get(row, whole + i));
      }
    }
  }

  private static IntVector pair(IntVector low, IntVector high) {
    return low.lanewise(VectorOperators.LSHR, 16).or(high);
  }

  /// Rounded to bfloat16, as float32 bits.
  private static IntVector rounded(FloatVector value) {
    IntVector bits = value.reinterpretAsInts();
    return bits.add(0x7fff).add(bits.lanewise(VectorOperators.LSHR, 16).and(1)).and(UPPER);
  }
}
