package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/// Random weights, adapters and sequences, and how close results have to be.
final class Samples {
  private Samples() {}

  static LinearWeights.Int4 int4(Random random, int outputs, int inputs) {
    byte[] codes = new byte[outputs * inputs / 2];
    random.nextBytes(codes);
    int groups = outputs * inputs / 32;
    Bytes scales = Bytes.allocate(4L * groups);
    Bytes zeros = Bytes.allocate(4L * groups);
    boolean halves = random.nextBoolean();
    for (int i = 0; i < groups; i++) {
      float scale = half(0.02f * random.nextFloat());
      float zero = half(-0.15f * random.nextFloat()) + 8 * scale;
      scales.putFloat(4L * i, scale);
      zeros.putFloat(4L * i, halves ? zero : zero + 1e-3f * random.nextFloat());
    }
    return new LinearWeights.Int4(outputs, inputs, Bytes.copyOf(codes), scales, zeros);
  }

  private static float half(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value));
  }

  static LinearWeights.Int8 int8(Random random, int outputs, int inputs) {
    byte[] codes = new byte[outputs * inputs];
    random.nextBytes(codes);
    Bytes scales = Bytes.allocate(4L * outputs * inputs / 32);
    for (int i = 0; i < outputs * inputs / 32; i++) {
      scales.putFloat(4L * i, 0.001f * random.nextFloat());
    }
    return new LinearWeights.Int8(outputs, inputs, Bytes.copyOf(codes), scales);
  }

  static LinearWeights.Bf16 bf16(Random random, int outputs, int inputs) {
    return new LinearWeights.Bf16(
        outputs, inputs, matrix(random, DType.BF16, outputs, inputs).data());
  }

  static Matrix f32(Random random, int rows, int cols) {
    return matrix(random, DType.F32, rows, cols);
  }

  static Matrix matrix(Random random, DType type, int rows, int cols) {
    return Matrix.of(type, rows, cols, floats(random, rows * cols));
  }

  static float[] floats(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = 2 * random.nextFloat() - 1;
    }
    return values;
  }

  /// Adapters for `rows` rows, some with several terms, some with none, some with DoRA's scale.
  ///
  /// @param mostRanks bound of a term's rank
  @SuppressWarnings("NullAway") // it does not see the component's annotation in a class file
  static List<LoraSegment> segments(
      Random random, int rows, int inputs, int outputs, int mostRanks) {
    List<LoraSegment> segments = new ArrayList<>();
    for (int from = 0; from < rows; ) {
      int to = Math.min(rows, from + 1 + random.nextInt(rows));
      List<LoraSegment.Term> terms = new ArrayList<>();
      for (int t = random.nextInt(4); t > 0; t--) {
        int rank = 1 + random.nextInt(mostRanks);
        int width = 1 + random.nextInt(outputs);
        terms.add(
            new LoraSegment.Term(
                matrix(random, DType.values()[random.nextInt(2)], rank, inputs),
                matrix(random, DType.values()[random.nextInt(2)], rank, width),
                random.nextFloat(),
                random.nextInt(outputs - width + 1)));
      }
      if (random.nextInt(4) != 0) {
        segments.add(
            new LoraSegment(
                from, to, terms, random.nextBoolean() ? null : floats(random, outputs)));
      }
      from = to;
    }
    return segments;
  }

  static Matrix copy(Matrix matrix) {
    return new Matrix(matrix.data().copy(), matrix.type(), matrix.rows(), matrix.cols());
  }

  static Matrix row(Matrix matrix, int row) {
    return copy(matrix.rowRange(row, row + 1));
  }

  /// Row `row` as hexadecimal bits.
  static String bits(Matrix matrix, int row) {
    StringBuilder text = new StringBuilder();
    for (int j = 0; j < matrix.cols(); j++) {
      text.append(Integer.toHexString(Float.floatToRawIntBits(matrix.get(row, j)))).append(' ');
    }
    return text.toString();
  }

  /// Equal within `tolerance` relative to the largest value of the row.
  static void assertClose(Matrix actual, Matrix expected, float tolerance) {
    for (int i = 0; i < expected.rows(); i++) {
      float largest = 1e-3f;
      for (int j = 0; j < expected.cols(); j++) {
        largest = Math.max(largest, Math.abs(expected.get(i, j)));
      }
      for (int j = 0; j < expected.cols(); j++) {
        assertThat(Math.abs(actual.get(i, j) - expected.get(i, j)))
            .as("[%d, %d] %s against %s", i, j, actual.get(i, j), expected.get(i, j))
            .isLessThanOrEqualTo(tolerance * largest);
      }
    }
  }

  /// A sequence of random length over pages in random order.
  ///
  /// @param qkv all of its rows
  /// @param norms of the heads
  record Sequence(
      AttentionShape shape, int pages, Matrix qkv, Rows rows, Rotary rotary, Ops.HeadNorms norms) {
    static Sequence random(Random random, int pages) {
      int kv = 1 + random.nextInt(3);
      AttentionShape shape =
          new AttentionShape(kv * (1 + random.nextInt(4)), kv, 2 * (1 + random.nextInt(40)));
      int length = 1 + random.nextInt(pages * KvCache.PAGE);
      List<Integer> order = new ArrayList<>(IntStream.range(0, pages).boxed().toList());
      Collections.shuffle(order, random);
      int[] table = order.stream().mapToInt(Integer::intValue).toArray();
      int[][] tables = new int[length][];
      Arrays.fill(tables, table);
      // Not all of a head need turn.
      double[] frequencies = new double[1 + random.nextInt(shape.headDim() / 2)];
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] = random.nextDouble();
      }
      return new Sequence(
          shape,
          pages,
          f32(random, length, shape.width()),
          new Rows(IntStream.range(0, length).toArray(), tables),
          new Rotary(frequencies, 1, pages * KvCache.PAGE),
          new Ops.HeadNorms(
              floats(random, shape.headDim()), floats(random, shape.headDim()), 1e-6f));
    }
  }
}
