package dev.tributary.server.tensor;

import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/// Four- or eight-bit weights packed for [NarrowKernel] and [WideKernel]: blocks of as many outputs
/// as a vector has lanes.
///
/// A block holds its codes as words of 32 bits, one an output side by side: a word has the codes of
/// 8 (or 4) consecutive inputs, rotated so that the first code lies at the top of a float's
/// mantissa. There `1 + code / 2^bits` takes one operation to make, and the next code one rotation.
/// Signed codes are stored plus 128.
///
/// Parameters stand apart: for each group of 32 inputs the block's scales, then its offsets, so
/// that `w = code scale + offset`; as float16 where all of them are exactly that (GGUF's are), else
/// as float32. Nothing is rounded.
final class PackedLinear implements Linear {
  /// Outputs that are kept together: two vectors.
  static final int UNIT = 2 * Lanes.LENGTH;

  /// The bits of 1: a code written over its [#field] makes the weight `1 + code / 2^bits`.
  static final int ONE = Float.floatToRawIntBits(1);

  private static final int GROUP = LinearWeights.GROUP;
  private static final int MANTISSA = 23;

  private final int outputs;
  private final int inputs;
  private final int bits;
  private final boolean outliers;
  private final int units;
  private final int[] codes;

  /// The parameters in one of two forms; the other is empty.
  private final short[] halves;

  private final float[] floats;

  /// All panels of the wide path, where they are resident.
  private @Nullable Bytes panels;

  private PackedLinear(int outputs, int inputs, int bits, boolean outliers, Source source) {
    this.outputs = outputs;
    this.inputs = inputs;
    this.bits = bits;
    this.outliers = outliers;
    units = Math.ceilDiv(outputs, UNIT);
    codes = new int[Math.multiplyExact(units, unitWords())];
    int count = Math.multiplyExact(units, parameterCount());
    boolean fits = fitsHalves(source);
    halves = new short[fits ? count : 0];
    floats = new float[fits ? 0 : count];
    IntStream.range(0, outputs).parallel().forEach(output -> pack(source, output));
  }

  static PackedLinear of(LinearWeights.Int4 weights, boolean outliers) {
    return new PackedLinear(
        weights.outputs(),
        weights.inputs(),
        4,
        outliers,
        new Source() {
          @Override
          public int code(int output, int input) {
            return weights.code(output, input);
          }

          @Override
          public float scale(long group) {
            return weights.scales().getFloat(4 * group);
          }

          @Override
          public float offset(long group) {
            return weights.zeros().getFloat(4 * group) - 8 * scale(group);
          }
        });
  }

  static PackedLinear of(LinearWeights.Int8 weights, boolean outliers) {
    return new PackedLinear(
        weights.outputs(),
        weights.inputs(),
        8,
        outliers,
        new Source() {
          @Override
          public int code(int output, int input) {
            return weights.codes().get((long) output * weights.inputs() + input) + 128;
          }

          @Override
          public float scale(long group) {
            return weights.scales().getFloat(4 * group);
          }

          @Override
          public float offset(long group) {
            return -128 * scale(group);
          }
        });
  }

  /// Codes and parameters as the file gave them; groups are counted over all outputs.
  private interface Source {
    int code(int output, int input);

    float scale(long group);

    float offset(long group);
  }

  private boolean fitsHalves(Source source) {
    for (long group = 0; group < (long) outputs * groups(); group++) {
      if (!isHalf(source.scale(group)) || !isHalf(source.offset(group))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isHalf(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value)) == value;
  }

  private void pack(Source source, int output) {
    int perWord = Integer.SIZE / bits;
    int first = firstWord(output);
    for (int w = 0; w < inputs / perWord; w++) {
      int word = 0;
      for (int j = 0; j < perWord; j++) {
        word |= Integer.rotateLeft(source.code(output, w * perWord + j), shift(j));
      }
      codes[first + w * UNIT] = word;
    }
    for (int group = 0; group < groups(); group++) {
      long from = (long) output * groups() + group;
      int to = firstParameter(output) + group * 2 * UNIT;
      putParameter(to, source.scale(from));
      putParameter(to + UNIT, source.offset(from));
    }
  }

  private int firstWord(int output) {
    return output / UNIT * unitWords() + output % UNIT;
  }

  private int firstParameter(int output) {
    return output / UNIT * parameterCount() + output % UNIT;
  }

  /// The highest `bits` of a float's mantissa.
  static int field(int bits) {
    return ((1 << bits) - 1) << (MANTISSA - bits);
  }

  /// Where the code of a word's input `j` begins.
  private int shift(int j) {
    return MANTISSA - bits + j * bits;
  }

  private void putParameter(int index, float value) {
    if (halves.length > 0) {
      halves[index] = Float.floatToFloat16(value);
    } else {
      floats[index] = value;
    }
  }

  private float parameter(int index) {
    return halves.length > 0 ? Float.float16ToFloat(halves[index]) : floats[index];
  }

  int bits() {
    return bits;
  }

  /// Whether inputs are to be taken in two parts by the wide path.
  boolean outliers() {
    return outliers;
  }

  int groups() {
    return inputs / GROUP;
  }

  /// Words of a unit's codes: `[inputs * bits / 32][UNIT]`.
  int unitWords() {
    return inputs * bits / Integer.SIZE * UNIT;
  }

  int units() {
    return units;
  }

  int[] codes() {
    return codes;
  }

  /// Parameters of a unit: `[groups][scales, offsets][UNIT]`.
  int parameterCount() {
    return groups() * 2 * UNIT;
  }

  /// Writes what a unit's parameters are for weights `1 + code / 2^bits` to `into`: per group the
  /// scales times `2^bits`, then the offsets less that. Exact where scales and offsets are float16
  /// and below 1 in size.
  void parameters(int unit, float[] into) {
    parameters(unit, 0, groups(), into);
  }

  /// Likewise, those of `count` groups from `first` on.
  void parameters(int unit, int first, int count, float[] into) {
    int from = unit * parameterCount() + first * 2 * UNIT;
    FloatVector range = FloatVector.broadcast(Lanes.F, 1 << bits);
    // Apart by type: a vector that comes from one of two places would be boxed.
    if (halves.length > 0) {
      for (int group = 0; group < count * 2 * UNIT; group += 2 * UNIT) {
        for (int i = group; i < group + UNIT; i += Lanes.LENGTH) {
          FloatVector scale = Lanes.f16(halves, from + i).mul(range);
          scale.intoArray(into, i);
          Lanes.f16(halves, from + i + UNIT).sub(scale).intoArray(into, i + UNIT);
        }
      }
    } else {
      for (int group = 0; group < count * 2 * UNIT; group += 2 * UNIT) {
        for (int i = group; i < group + UNIT; i += Lanes.LENGTH) {
          FloatVector scale = FloatVector.fromArray(Lanes.F, floats, from + i).mul(range);
          scale.intoArray(into, i);
          FloatVector.fromArray(Lanes.F, floats, from + i + UNIT)
              .sub(scale)
              .intoArray(into, i + UNIT);
        }
      }
    }
  }

  /// The weights as bfloat16 panels of [WideKernel], if they are kept so.
  @Nullable Bytes panels() {
    return panels;
  }

  void keepPanels(Bytes all) {
    panels = all;
  }

  @Override
  public int outputs() {
    return outputs;
  }

  @Override
  public int inputs() {
    return inputs;
  }

  @Override
  public String form() {
    return "int" + bits;
  }

  @Override
  public long bytes() {
    return 4L * codes.length
        + 2L * halves.length
        + 4L * floats.length
        + (panels == null ? 0 : panels.size());
  }

  @Override
  public void row(int output, float[] row) {
    int perWord = Integer.SIZE / bits;
    int first = firstWord(output);
    int firstParameter = firstParameter(output);
    for (int group = 0; group < groups(); group++) {
      float scale = parameter(firstParameter + group * 2 * UNIT);
      float offset = parameter(firstParameter + group * 2 * UNIT + UNIT);
      for (int k = group * GROUP; k < (group + 1) * GROUP; k++) {
        int word = codes[first + k / perWord * UNIT];
        int code = Integer.rotateRight(word, shift(k % perWord)) & ((1 << bits) - 1);
        row[k] = Math.fma((float) code, scale, offset);
      }
    }
  }
}
