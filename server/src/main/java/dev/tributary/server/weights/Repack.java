package dev.tributary.server.weights;

import static dev.tributary.server.tensor.LinearWeights.GROUP;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.LinearWeights;
import java.util.stream.IntStream;

/// A stored matrix as the weights of a linear layer, by rows in parallel.
final class Repack {
  private static final long LOW_NIBBLES = 0x0f0f0f0f0f0f0f0fL;

  private final StoredTensor tensor;
  private final Bytes data;
  private final int outputs;
  private final int inputs;

  Repack(StoredTensor tensor) {
    this.tensor = tensor;
    this.data = tensor.data();
    this.outputs = tensor.rows();
    this.inputs = tensor.cols();
  }

  LinearWeights repack() {
    return switch (tensor.type()) {
      case Q4_0, Q4_1, Q4_K -> int4();
      case Q8_0 -> int8();
      case F32, F16, BF16, Q5_0, Q5_1, Q5_K, Q6_K -> bf16();
    };
  }

  private LinearWeights int4() {
    Int4Builder target = new Int4Builder(outputs, inputs);
    IntStream.range(0, outputs).parallel().forEach(row -> int4Row(row, target));
    return target.build();
  }

  private void int4Row(int row, Int4Builder target) {
    for (int group = 0; group < inputs / GROUP; group++) {
      boolean finite =
          switch (tensor.type()) {
            case Q4_0 -> {
              long block = tensor.rowOffset(row) + group * 18L;
              splitCodes(target, row, group, block + 2);
              yield target.put(row, group, Dequantize.getF16(data, block), 0);
            }
            case Q4_1 -> {
              long block = tensor.rowOffset(row) + group * 20L;
              splitCodes(target, row, group, block + 4);
              double d = Dequantize.getF16(data, block);
              yield target.put(row, group, d, Dequantize.getF16(data, block + 2) + 8 * d);
            }
            case Q4_K -> {
              long block = tensor.rowOffset(row) + group / 8 * 144L;
              int inBlock = group % 8;
              kCodes(target, row, group, block + Dequantize.K_CODES + inBlock / 2 * 32L);
              double d = Dequantize.kScale(data, block, inBlock);
              yield target.put(row, group, d, 8 * d - Dequantize.kMinimum(data, block, inBlock));
            }
            default -> throw new IllegalStateException(tensor.type() + " has no 4-bit codes");
          };
      if (!finite) {
        tensor.requireFinite(row, Float.NaN);
      }
    }
  }

  /// 16 bytes whose low nibbles are codes 0..15 and whose high nibbles are codes 16..31.
  private void splitCodes(Int4Builder target, int row, int group, long at) {
    long first = data.getLong(at);
    long second = data.getLong(at + 8);
    target.codes(row, group, low(first), low(second), high(first), high(second));
  }

  /// 32 bytes whose low nibbles are an even group's codes and whose high ones the next group's.
  private void kCodes(Int4Builder target, int row, int group, long at) {
    long a = data.getLong(at);
    long b = data.getLong(at + 8);
    long c = data.getLong(at + 16);
    long d = data.getLong(at + 24);
    if (group % 2 == 0) {
      target.codes(row, group, low(a), low(b), low(c), low(d));
    } else {
      target.codes(row, group, high(a), high(b), high(c), high(d));
    }
  }

  /// The low nibbles of eight bytes, the first byte's lowest.
  private static int low(long eight) {
    return (int) Long.compress(eight, LOW_NIBBLES);
  }

  private static int high(long eight) {
    return (int) Long.compress(eight, ~LOW_NIBBLES);
  }

  private LinearWeights int8() {
    Bytes codes = Bytes.allocate((long) outputs * inputs);
    Bytes scales = Bytes.allocate((long) outputs * inputs / GROUP * 4);
    IntStream.range(0, outputs)
        .parallel()
        .forEach(
            row -> {
              for (int group = 0; group < inputs / GROUP; group++) {
                long block = tensor.rowOffset(row) + group * 34L;
                long target = (long) row * inputs / GROUP + group;
                float scale = Dequantize.getF16(data, block);
                tensor.requireFinite(row, scale);
                scales.putFloat(target * 4, scale);
                for (int i = 0; i < GROUP; i += 4) {
                  codes.putInt(target * GROUP + i, data.getInt(block + 2 + i));
                }
              }
            });
    return new LinearWeights.Int8(outputs, inputs, codes, scales);
  }

  private LinearWeights bf16() {
    Bytes values = Bytes.allocate((long) outputs * inputs * 2);
    ThreadLocal<float[]> buffers = ThreadLocal.withInitial(() -> new float[inputs]);
    IntStream.range(0, outputs)
        .parallel()
        .forEach(
            row -> {
              float[] buffer = buffers.get();
              tensor.row(row, buffer);
              for (int i = 0; i < inputs; i++) {
                long at = ((long) row * inputs + i) * 2;
                values.putBf16(at, buffer[i]);
                tensor.requireFinite(row, values.getBf16(at));
              }
            });
    return new LinearWeights.Bf16(outputs, inputs, values);
  }
}
