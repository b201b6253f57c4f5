package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;

/// Four-bit weights packed for [Int4Kernel]: blocks of as many outputs as a vector has lanes.
///
/// A block holds its codes by pairs of inputs, a byte an output: the even input in the low nibble,
/// the odd one in the high. Parameters stand apart, for each group of 32 inputs the block's scales,
/// then its offsets `b = z - 8 s`, so that `w = q s + b`: as float16 where all of them are exactly
/// that (GGUF's Q4_0 and Q4_1 store them so), else as float32. Nothing is rounded.
final class Int4Linear implements Linear {
  private static final int LANES = Lanes.LENGTH;
  private static final int GROUP = LinearWeights.GROUP;

  /// The widest load of the last block may reach past its end.
  private static final int PADDING = 64;

  private final int outputs;
  private final int inputs;
  private final int blocks;
  private final boolean halves;
  private final Bytes codes;
  private final Bytes parameters;

  Int4Linear(LinearWeights.Int4 source) {
    outputs = source.outputs();
    inputs = source.inputs();
    blocks = Math.ceilDiv(outputs, LANES);
    halves = fitsHalves(source);
    codes = Bytes.allocate(blocks * blockBytes() + PADDING);
    parameters = Bytes.allocate((long) blocks * groups() * 2 * LANES * parameterBytes());
    IntStream.range(0, outputs).parallel().forEach(output -> pack(source, output));
  }

  private static boolean fitsHalves(LinearWeights.Int4 source) {
    long count = source.scales().size() / Float.BYTES;
    for (long i = 0; i < count; i++) {
      float scale = source.scales().getFloat(4 * i);
      float offset = source.zeros().getFloat(4 * i) - 8 * scale;
      if (!isHalf(scale) || !isHalf(offset)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isHalf(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value)) == value;
  }

  private void pack(LinearWeights.Int4 source, int output) {
    int lane = output % LANES;
    long block = output / LANES * blockBytes();
    byte[] pairs = new byte[inputs / 2];
    source.codes().get((long) output * inputs / 2, pairs, 0, pairs.length);
    for (int p = 0; p < pairs.length; p++) {
      codes.put(block + (long) p * LANES + lane, pairs[p]);
    }
    for (int group = 0; group < groups(); group++) {
      long from = 4 * ((long) output * groups() + group);
      float scale = source.scales().getFloat(from);
      float offset = source.zeros().getFloat(from) - 8 * scale;
      long to = ((long) output / LANES * groups() + group) * 2 * LANES + lane;
      putParameter(to, scale);
      putParameter(to + LANES, offset);
    }
  }

  private void putParameter(long index, float value) {
    if (halves) {
      parameters.putShort(2 * index, Float.floatToFloat16(value));
    } else {
      parameters.putFloat(4 * index, value);
    }
  }

  private int parameterBytes() {
    return halves ? Short.BYTES : Float.BYTES;
  }

  int groups() {
    return inputs / GROUP;
  }

  /// Bytes of a block's codes.
  long blockBytes() {
    return (long) inputs / 2 * LANES;
  }

  int blocks() {
    return blocks;
  }

  MemorySegment codes() {
    return codes.segment();
  }

  /// Writes a block's parameters to `into` from `at`: `[group][scales, offsets][lane]`.
  ///
  /// @param raw room for as many shorts
  void parameters(int block, float[] into, int at, short[] raw) {
    int count = groups() * 2 * LANES;
    long from = (long) block * count * parameterBytes();
    if (halves) {
      MemorySegment.copy(parameters.segment(), Bytes.SHORT, from, raw, 0, count);
      for (int i = 0; i < count; i++) {
        into[at + i] = Float.float16ToFloat(raw[i]);
      }
    } else {
      MemorySegment.copy(parameters.segment(), Bytes.FLOAT, from, into, at, count);
    }
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
    return "int4";
  }

  @Override
  public long bytes() {
    return codes.size() + parameters.size();
  }

  @Override
  public void row(int output, float[] row) {
    int lane = output % LANES;
    int block = output / LANES;
    float[] values = new float[groups() * 2 * LANES];
    parameters(block, values, 0, new short[values.length]);
    for (int k = 0; k < inputs; k++) {
      int pair = codes.get(block * blockBytes() + (long) (k / 2) * LANES + lane);
      int code = (k & 1) == 0 ? pair & 15 : (pair >> 4) & 15;
      int at = k / GROUP * 2 * LANES + lane;
      row[k] = Math.fma((float) code, values[at], values[at + LANES]);
    }
  }
}
