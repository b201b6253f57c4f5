package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Adapters of every rank, alone, several at a time and among other rows.
class LoraKernelTest {
  private static final int[] RANKS = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 64, 129, 256};

  @Test
  void lora_everyRank_isTheReference() {
    Random random = new Random(1);
    try (Ops cpu = Ops.cpu(Libtorch.bundled(), 3);
        Ops reference = Ops.reference()) {
      for (int rank : RANKS) {
        for (int rows : new int[] {1, 2, 4, 7, 31, 32, 33, 40}) {
          int inputs = 1 + random.nextInt(300);
          int outputs = 1 + random.nextInt(300);
          Matrix x = matrix(random, DType.F32, rows, inputs);
          Matrix ours = matrix(random, DType.F32, rows, outputs);
          Matrix theirs = copy(ours);
          List<LoraSegment> segments =
              List.of(segment(random, 0, rows, inputs, outputs, rank, 1 + random.nextInt(3)));
          cpu.lora(x, ours, segments);
          reference.lora(x, theirs, segments);
          requireClose(ours, theirs);
        }
      }
    }
  }

  @Test
  void lora_amongOtherRows_keepsARowsBits() {
    Random random = new Random(2);
    for (int workers = 1; workers <= 17; workers += 4) {
      try (Ops cpu = Ops.cpu(Libtorch.bundled(), workers)) {
        for (int round = 0; round < 20; round++) {
          int inputs = 1 + random.nextInt(200);
          int outputs = 1 + random.nextInt(200);
          List<LoraSegment> segments = new ArrayList<>();
          int rows = 0;
          while (rows < 40) {
            int to = rows + 1 + random.nextInt(12);
            int rank = RANKS[random.nextInt(10)];
            segments.add(segment(random, rows, to, inputs, outputs, rank, 1 + random.nextInt(3)));
            rows = to + random.nextInt(2);
          }
          Matrix x = matrix(random, DType.F32, rows, inputs);
          Matrix before = matrix(random, DType.F32, rows, outputs);
          Matrix together = copy(before);
          cpu.lora(x, together, segments);
          for (LoraSegment segment : segments) {
            for (int row = segment.from(); row < segment.to(); row++) {
              Matrix alone = copy(before.rowRange(row, row + 1));
              cpu.lora(x.rowRange(row, row + 1), alone, List.of(first(segment)));
              assertThat(bytes(together.rowRange(row, row + 1))).isEqualTo(bytes(alone));
            }
          }
        }
      }
    }
  }

  @Test
  void lora_onAnyNumberOfWorkers_hasTheSameBits() {
    for (int rows : new int[] {1, 5, 40}) {
      byte[] expected = null;
      for (int workers = 1; workers <= 17; workers++) {
        Random random = new Random(rows);
        List<LoraSegment> segments =
            rows == 40
                ? List.of(
                    segment(random, 0, 1, 576, 960, 16, 3),
                    segment(random, 1, 9, 576, 960, 8, 2),
                    segment(random, 11, 40, 576, 960, 33, 1))
                : List.of(segment(random, 0, rows, 576, 960, 16, 3));
        Matrix x = matrix(random, DType.F32, rows, 576);
        Matrix y = matrix(random, DType.F32, rows, 960);
        try (Ops cpu = Ops.cpu(Libtorch.bundled(), workers)) {
          cpu.lora(x, y, segments);
        }
        expected = expected == null ? bytes(y) : expected;
        assertThat(bytes(y)).as("%d workers", workers).isEqualTo(expected);
      }
    }
  }

  @Test
  void lora_rowsWithoutASegment_stayAsTheyAre() {
    Random random = new Random(3);
    try (Ops cpu = Ops.cpu(Libtorch.bundled(), 2)) {
      Matrix x = matrix(random, DType.F32, 9, 64);
      Matrix y = matrix(random, DType.F32, 9, 64);
      Matrix before = copy(y);
      cpu.lora(x, y, List.of(segment(random, 3, 8, 64, 64, 4, 1)));
      assertThat(bytes(y.rowRange(0, 3))).isEqualTo(bytes(before.rowRange(0, 3)));
      assertThat(bytes(y.rowRange(8, 9))).isEqualTo(bytes(before.rowRange(8, 9)));
      assertThat(bytes(y.rowRange(3, 8))).isNotEqualTo(bytes(before.rowRange(3, 8)));
    }
  }

  /// The same adapters on row 0 alone.
  @SuppressWarnings("NullAway") // it does not see the component's annotation in a class file
  private static LoraSegment first(LoraSegment segment) {
    return new LoraSegment(0, 1, segment.terms(), segment.outputScale());
  }

  @SuppressWarnings("NullAway") // it does not see the component's annotation in a class file
  static LoraSegment segment(
      Random random, int from, int to, int inputs, int outputs, int rank, int terms) {
    List<LoraSegment.Term> list = new ArrayList<>();
    for (int t = 0; t < terms; t++) {
      int width = 1 + random.nextInt(outputs);
      DType type = DType.values()[random.nextInt(2)];
      list.add(
          new LoraSegment.Term(
              matrix(random, type, rank, inputs),
              matrix(random, type, rank, width),
              random.nextFloat(),
              random.nextInt(outputs - width + 1)));
    }
    return new LoraSegment(from, to, list, random.nextBoolean() ? null : floats(random, outputs));
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

  static Matrix copy(Matrix matrix) {
    return new Matrix(matrix.data().copy(), matrix.type(), matrix.rows(), matrix.cols());
  }

  static byte[] bytes(Matrix matrix) {
    byte[] bytes = new byte[matrix.rows() * matrix.cols() * matrix.type().bytes()];
    matrix.data().get(0, bytes, 0, bytes.length);
    return bytes;
  }

  /// Within 2e-5 of the largest value of the row.
  static void requireClose(Matrix actual, Matrix expected) {
    for (int i = 0; i < expected.rows(); i++) {
      float largest = 1e-3f;
      for (int j = 0; j < expected.cols(); j++) {
        largest = Math.max(largest, Math.abs(expected.get(i, j)));
      }
      for (int j = 0; j < expected.cols(); j++) {
        float error = Math.abs(actual.get(i, j) - expected.get(i, j));
        assertThat(error).as("[%d, %d]", i, j).isLessThanOrEqualTo(2e-5f * largest);
      }
    }
  }
}
