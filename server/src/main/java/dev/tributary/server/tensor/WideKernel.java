package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/// The wide path: `y = x Wᵀ` with weights of four or eight bits, inputs and weights rounded to
/// bfloat16, sums in float32.
///
/// A worker dequantises a panel of outputs into scratch that stays in its cache and multiplies all
/// rows by it with oneDNN's bfloat16 microkernel, which libtorch exports as
/// `at::native::cpublas::brgemm`. Against `aoti_torch_mm_out` that saves the rounding of the output
/// to bfloat16, a tensor handle for each operand, and a third of the time at 32 rows.
///
/// The panel is `[inputs / 2][outputs][2]`, pairs of inputs side by side, as the processor's
/// bfloat16 dot product takes them; a block of [PackedLinear] has its codes in the same order.
final class WideKernel {
  /// Rows of one call: their inputs, and the panel, fit the second-level cache.
  private static final int TILE = 64;

  private static final int LANES = Lanes.LENGTH;
  private static final int UNIT = PackedLinear.UNIT;
  private static final int GROUP = LinearWeights.GROUP;
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

  private final Libtorch libtorch;
  private final PackedLinear weights;
  private final Matrix x;
  private final @Nullable Matrix rest;
  private final Matrix y;
  private final int column;
  private final int unitsAPanel;

  /// @param x bfloat16 `[rows, inputs]`
  /// @param rest what the rounding of x left, likewise, or null
  /// @param workers among whom panels are dealt
  WideKernel(
      Libtorch libtorch,
      PackedLinear weights,
      Matrix x,
      @Nullable Matrix rest,
      Matrix y,
      int column,
      int workers) {
    this.libtorch = libtorch;
    this.weights = weights;
    this.x = x;
    this.rest = rest;
    this.y = y;
    this.column = column;
    int panels = Math.ceilDiv(weights.units(), 2);
    unitsAPanel = panels % workers == 0 || panels > 8 * workers ? 2 : 1;
  }

  /// Units of work that can be dealt: panels.
  int units() {
    return Math.ceilDiv(weights.units(), unitsAPanel);
  }

  /// Bytes of a panel.
  long panelBytes() {
    return 2L * weights.inputs() * unitsAPanel * UNIT;
  }

  /// Computes one unit.
  void run(int panel, Scratch scratch) {
    int first = panel * unitsAPanel;
    int units = Math.min(unitsAPanel, weights.units() - first);
    int width = unitsAPanel * UNIT;
    Bytes resident = weights.panels();
    MemorySegment values;
    if (resident == null) {
      Bytes own = scratch.bytes(panelBytes());
      dequantise(panel, own, scratch);
      values = own.segment();
    } else {
      values = resident.segment().asSlice(panel * panelBytes());
    }
    int outputs = Math.min(units * UNIT, weights.outputs() - first * UNIT);
    for (int row = 0; row < y.rows(); row += TILE) {
      int rows = Math.min(TILE, y.rows() - row);
      long to = y.data().segment().address() + y.offset(row, column + first * UNIT);
      multiply(rows, outputs, false, x, row, values, width, to);
      if (rest != null) {
        multiply(rows, outputs, true, rest, row, values, width, to);
      }
    }
  }

  private void multiply(
      int rows,
      int outputs,
      boolean add,
      Matrix x,
      int row,
      MemorySegment panel,
      int width,
      long to) {
    libtorch.bf16Product(
        rows,
        outputs,
        weights.inputs(),
        add,
        x.data().segment().address() + x.offset(row, 0),
        x.cols(),
        panel.address(),
        width,
        to,
        y.cols());
  }

  /// One panel of the weights.
  void dequantise(int panel, Bytes values, Scratch scratch) {
    int first = panel * unitsAPanel;
    int units = Math.min(unitsAPanel, weights.units() - first);
    float[] parameters = scratch.floats(weights.parameterCount());
    for (int unit = 0; unit < units; unit++) {
      weights.parameters(first + unit, parameters);
      for (int block = 0; block < UNIT; block += LANES) {
        dequantise(
            weights.bits(),
            weights.codes(),
            (first + unit) * weights.unitWords() + block,
            weights.groups(),
            parameters,
            block,
            values.segment(),
            4L * (unit * UNIT + block),
            4L * unitsAPanel * UNIT);
      }
    }
  }

  /// One block into its columns of the panel, `stride` bytes a pair of inputs.
  private static void dequantise(
      int bits,
      int[] codes,
      int from,
      int groups,
      float[] parameters,
      int parameter,
      MemorySegment panel,
      long to,
      long stride) {
    int at = from;
    long out = to;
    IntVector field = IntVector.broadcast(Lanes.I, PackedLinear.field(bits));
    IntVector one = IntVector.broadcast(Lanes.I, PackedLinear.ONE);
    IntVector half = IntVector.broadcast(Lanes.I, 0x8000);
    IntVector upper = IntVector.broadcast(Lanes.I, 0xffff0000);
    for (int group = 0; group < groups; group++, at += bits * UNIT) {
      FloatVector scale = FloatVector.fromArray(Lanes.F, parameters, parameter + group * 2 * UNIT);
      FloatVector offset =
          FloatVector.fromArray(Lanes.F, parameters, parameter + group * 2 * UNIT + UNIT);
      for (int i = 0; i < GROUP / 2; i++, out += stride) {
        int bit = 2 * bits * i;
        IntVector both =
            IntVector.fromArray(Lanes.I, codes, at + bit / 32 * UNIT)
                .lanewise(VectorOperators.ROR, bit);
        IntVector even =
            both.and(field).or(one).reinterpretAsFloats().fma(scale, offset).reinterpretAsInts();
        IntVector odd =
            both.lanewise(VectorOperators.ROR, bits)
                .and(field)
                .or(one)
                .reinterpretAsFloats()
                .fma(scale, offset)
                .reinterpretAsInts();
        // To the nearest, ties away from zero: half a unit is added to the bits that are kept.
        even.add(half)
            .lanewise(VectorOperators.LSHR, 16)
            .or(odd.add(half).and(upper))
            .intoMemorySegment(panel, out, LE);
      }
    }
  }
}
