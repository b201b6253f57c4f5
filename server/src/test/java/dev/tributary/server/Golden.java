package dev.tributary.server;

import dev.tributary.identity.SafetensorsHeader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/// A golden file: named arrays in safetensors (`.ci/goldens/README.md` says what they hold).
final class Golden {
  private final SafetensorsHeader header;
  private final ByteBuffer bytes;

  Golden(Path file) {
    try {
      bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    header = SafetensorsHeader.parse(bytes.duplicate(), bytes.capacity());
  }

  /// An array of whole numbers: I32 or U16.
  int[] ints(String name) {
    SafetensorsHeader.Tensor tensor = tensor(name);
    int[] values = new int[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.dtype()) {
            case "I32" -> bytes.getInt((int) tensor.begin() + 4 * i);
            case "U16" -> bytes.getShort((int) tensor.begin() + 2 * i) & 0xffff;
            default -> throw new IllegalArgumentException(name + " is " + tensor.dtype());
          };
    }
    return values;
  }

  /// An array of numbers: F32 or F16.
  float[] floats(String name) {
    SafetensorsHeader.Tensor tensor = tensor(name);
    float[] values = new float[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.dtype()) {
            case "F32" -> bytes.getFloat((int) tensor.begin() + 4 * i);
            case "F16" -> Float.float16ToFloat(bytes.getShort((int) tensor.begin() + 2 * i));
            default -> throw new IllegalArgumentException(name + " is " + tensor.dtype());
          };
    }
    return values;
  }

  private SafetensorsHeader.Tensor tensor(String name) {
    SafetensorsHeader.Tensor tensor = header.tensors().get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("no " + name + " in " + header.tensors().keySet());
    }
    return tensor;
  }

  /// Natural log softmax.
  static double[] logSoftmax(float[] logits) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - largest);
    }
    double[] logs = new double[logits.length];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = logits[i] - largest - Math.log(sum);
    }
    return logs;
  }

  /// KL(p || q) in nats of two arrays of log-probabilities.
  static double kl(double[] p, double[] q) {
    double sum = 0;
    for (int i = 0; i < p.length; i++) {
      sum += Math.exp(p[i]) * (p[i] - q[i]);
    }
    return sum;
  }
}
