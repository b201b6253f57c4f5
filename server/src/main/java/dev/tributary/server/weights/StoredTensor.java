package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.LinearWeights;

/// A tensor as a file holds it.
///
/// @param shape row-major: a matrix is `[outputs, inputs]`
/// @param data exactly the tensor's bytes
public record StoredTensor(String name, TensorType type, long[] shape, Bytes data) {
  public StoredTensor {
    shape = shape.clone();
    long elements = 1;
    for (long dim : shape) {
      elements = Math.multiplyExact(elements, dim);
    }
    if (elements % type.blockLength() != 0
        || data.size() != elements / type.blockLength() * type.blockBytes()) {
      throw new IllegalArgumentException(
          name + ": " + data.size() + " bytes for " + elements + " elements of " + type);
    }
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  /// All values, dequantised. At most 2^31 - 1.
  public float[] toFloats() {
    long elements = data.size() / type.blockBytes() * type.blockLength();
    float[] values = new float[Math.toIntExact(elements)];
    dequantize(0, values, values.length);
    return values;
  }

  /// The weights of a linear layer in the form that loses least: 4-bit codes are kept (the only
  /// loss is scale and zero rounded to bfloat16), 8-bit ones too; other types become bfloat16.
  public LinearWeights toLinear() {
    int outputs = rows();
    int inputs = cols();
    return switch (type) {
      case Q4_0, Q4_1, Q4_K -> FourBits.of(this, outputs, inputs);
      case Q8_0 -> int8(outputs, inputs);
      case F32, F16, BF16, Q5_0, Q5_1, Q5_K, Q6_K -> bf16(outputs, inputs);
    };
  }

  /// The weights of a linear layer in four bits, quantised here where the file is wider.
  public LinearWeights quantized() {
    return switch (type) {
      case F32, F16, BF16 ->
          cols() % LinearWeights.GROUP == 0
              ? Quantizer.quantize(this, rows(), cols())
              : bf16(rows(), cols());
      default -> toLinear();
    };
  }

  /// Dequantises row `row` of a matrix into `out[0..cols)`.
  void row(int row, float[] out) {
    dequantize((long) row * cols(), out, cols());
  }

  private void dequantize(long from, float[] out, int count) {
    long block = from / type.blockLength();
    for (int at = 0; at < count; at += type.blockLength(), block++) {
      type.dequantize(data, block * type.blockBytes(), out, at);
    }
  }

  private int rows() {
    requireMatrix();
    return Math.toIntExact(shape[0]);
  }

  private int cols() {
    requireMatrix();
    return Math.toIntExact(shape[1]);
  }

  private void requireMatrix() {
    if (shape.length != 2) {
      throw new FormatException("tensor " + name + " has " + shape.length + " dimensions, not 2");
    }
  }

  private LinearWeights.Int8 int8(int outputs, int inputs) {
    int blocks = outputs * (inputs / 32);
    Bytes codes = Bytes.allocate((long) outputs * inputs);
    Bytes scales = Bytes.allocate(4L * blocks);
    for (int b = 0; b < blocks; b++) {
      long block = (long) b * type.blockBytes();
      scales.putFloat(4L * b, TensorType.half(data, block));
      codes.copyFrom(data, block + 2, 32L * b, 32);
    }
    return new LinearWeights.Int8(outputs, inputs, codes, scales);
  }

  private LinearWeights.Bf16 bf16(int outputs, int inputs) {
    Bytes values = Bytes.allocate(2L * outputs * inputs);
    if (type == TensorType.BF16) {
      values.copyFrom(data, 0, 0, data.size());
      return new LinearWeights.Bf16(outputs, inputs, values);
    }
    float[] row = new float[inputs];
    for (int n = 0; n < outputs; n++) {
      row(n, row);
      for (int k = 0; k < inputs; k++) {
        values.putBf16(2 * ((long) n * inputs + k), row[k]);
      }
    }
    return new LinearWeights.Bf16(outputs, inputs, values);
  }
}
