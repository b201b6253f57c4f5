package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tributary.identity.ComputePath;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Where the processor has no bfloat16 product, the wide path is the narrow one, and is held to it.
class WidePathTest {
  private static final int[][] SHAPES = {{16, 32}, {40, 64}, {96, 160}, {576, 192}, {100, 1536}};

  private final Random random = new Random(4);

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void product_isTheExactOneWithinBf16(boolean outliers) {
    try (Ops cpu = Ops.cpu(Libtorch.bundled(), 2);
        Ops exact = Ops.reference()) {
      cpu.claimThread();
      for (int[] shape : SHAPES) {
        LinearWeights.Int4 weights = weights(shape[0], shape[1]);
        Matrix x = random(1 + random.nextInt(70), shape[1]);
        Matrix expected = product(exact, x, exact.pack(weights), ComputePath.NARROW);
        Matrix actual = product(cpu, x, cpu.pack(weights, outliers), ComputePath.WIDE);
        // Two roundings to 8 bits, of independent signs; inputs in two parts leave one.
        float tolerance = 0.02f * (float) Math.sqrt(shape[1]) * (outliers ? 0.7f : 1);
        for (int i = 0; i < x.rows(); i++) {
          for (int n = 0; n < shape[0]; n++) {
            assertThat(actual.get(i, n)).isCloseTo(expected.get(i, n), within(tolerance));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8})
  void everyWeight_isTheNarrowPathsRoundedToBf16(int bits) {
    try (Ops cpu = Ops.cpu(Libtorch.bundled(), 2)) {
      cpu.claimThread();
      for (int[] shape : SHAPES) {
        Linear weights = cpu.pack(weights(bits, shape[0], shape[1]));
        Matrix oneHot = Matrix.allocate(DType.F32, shape[1], shape[1]);
        for (int k = 0; k < shape[1]; k++) {
          oneHot.set(k, k, 1);
        }
        Matrix products = product(cpu, oneHot, weights, ComputePath.WIDE);
        float[] row = new float[shape[1]];
        for (int n = 0; n < shape[0]; n++) {
          weights.row(n, row);
          for (int k = 0; k < shape[1]; k++) {
            assertThat(products.get(k, n))
                .isEqualTo(hasWidePath(cpu) ? nearestBf16(row[k]) : products.get(k, n));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8})
  void bits_dependOnTheRowAlone(int bits) {
    LinearWeights weights = weights(bits, 96, 160);
    Matrix x = random(130, 160);
    Matrix expected = null;
    for (int workers = 1; workers <= 17; workers++) {
      try (Ops cpu = Ops.cpu(Libtorch.bundled(), workers)) {
        cpu.claimThread();
        Linear packed = cpu.pack(weights, true);
        Matrix all = product(cpu, x, packed, ComputePath.WIDE);
        Matrix logits = Matrix.allocate(DType.F32, x.rows(), packed.outputs());
        cpu.logits(x, packed, logits, ComputePath.WIDE);
        assertSameRow(logits, 77, all, 77);
        expected = expected == null ? all : expected;
        assertSameRow(all, 77, expected, 77);
        int from = random.nextInt(77);
        int to = 78 + random.nextInt(52);
        Matrix some = product(cpu, x.rowRange(from, to), packed, ComputePath.WIDE);
        assertSameRow(some, 77 - from, expected, 77);
        Matrix alone = product(cpu, x.rowRange(77, 78), packed, ComputePath.WIDE);
        assertSameRow(alone, 0, expected, 77);
      }
    }
  }

  @Test
  void residentPanels_giveTheSameBits() {
    LinearWeights.Int4 weights = weights(104, 160);
    Matrix x = random(20, 160);
    try (Ops packed = Ops.cpu(Libtorch.bundled(), 3);
        Ops resident = Ops.cpu(Libtorch.bundled(), 3, true)) {
      packed.claimThread();
      Linear kept = resident.pack(weights);
      long before = kept.bytes();
      resident.ready();
      assertThat(kept.bytes() > before).isEqualTo(hasWidePath(resident));
      Matrix expected = product(packed, x, packed.pack(weights), ComputePath.WIDE);
      Matrix actual = product(resident, x, kept, ComputePath.WIDE);
      for (int i = 0; i < x.rows(); i++) {
        assertSameRow(actual, i, expected, i);
      }
    }
  }

  @Test
  void ready_measuresTheCrossover() {
    try (Ops cpu = Ops.cpu(Libtorch.bundled(), 2)) {
      cpu.claimThread();
      var unused = cpu.pack(weights(96, 160));
      boolean before = hasWidePath(cpu);
      cpu.ready();
      assertThat(cpu.numerics()).contains(before ? "wide=brgemm" : "wide=none");
      assertThat(cpu.wideFrom()).isGreaterThanOrEqualTo(4);
    }
  }

  private static boolean hasWidePath(Ops cpu) {
    return cpu.numerics().contains("wide=brgemm");
  }

  /// To the nearest, ties away from zero.
  private static float nearestBf16(float value) {
    return Float.intBitsToFloat((Float.floatToRawIntBits(value) + 0x8000) & 0xffff0000);
  }

  private static void assertSameRow(Matrix a, int rowOfA, Matrix b, int rowOfB) {
    for (int n = 0; n < a.cols(); n++) {
      assertThat(Float.floatToRawIntBits(a.get(rowOfA, n)))
          .isEqualTo(Float.floatToRawIntBits(b.get(rowOfB, n)));
    }
  }

  private static Matrix product(Ops ops, Matrix x, Linear weights, ComputePath path) {
    Matrix y = Matrix.allocate(DType.F32, x.rows(), weights.outputs() + 5);
    ops.linear(x, weights, y, 3, path);
    Matrix result = Matrix.allocate(DType.F32, x.rows(), weights.outputs());
    for (int i = 0; i < x.rows(); i++) {
      for (int n = 0; n < weights.outputs(); n++) {
        result.set(i, n, y.get(i, n + 3));
      }
      assertThat(y.get(i, 2)).isZero();
      assertThat(y.get(i, weights.outputs() + 3)).isZero();
    }
    return result;
  }

  private Matrix random(int rows, int cols) {
    Matrix matrix = Matrix.allocate(DType.F32, rows, cols);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < cols; j++) {
        matrix.set(i, j, (float) random.nextGaussian());
      }
    }
    return matrix;
  }

  private LinearWeights weights(int bits, int outputs, int inputs) {
    return bits == 4 ? weights(outputs, inputs) : weights8(outputs, inputs);
  }

  private LinearWeights.Int8 weights8(int outputs, int inputs) {
    Bytes codes = Bytes.allocate((long) outputs * inputs);
    for (long i = 0; i < codes.size(); i++) {
      codes.put(i, (byte) random.nextInt());
    }
    Bytes scales = Bytes.allocate((long) outputs * inputs / 8);
    for (long i = 0; i < scales.size(); i += 4) {
      scales.putFloat(i, half(0.005f + 0.005f * random.nextFloat()));
    }
    return new LinearWeights.Int8(outputs, inputs, codes, scales);
  }

  private LinearWeights.Int4 weights(int outputs, int inputs) {
    Bytes codes = Bytes.allocate((long) outputs * inputs / 2);
    for (long i = 0; i < codes.size(); i++) {
      codes.put(i, (byte) random.nextInt());
    }
    Bytes scales = Bytes.allocate((long) outputs * inputs / 8);
    Bytes zeros = Bytes.allocate((long) outputs * inputs / 8);
    for (long i = 0; i < scales.size(); i += 4) {
      float scale = half(0.05f + 0.05f * random.nextFloat());
      scales.putFloat(i, scale);
      // Offsets `z - 8 s` that are float16, as GGUF's are.
      zeros.putFloat(i, half(0.3f * (random.nextFloat() - 0.5f) - 8 * scale) + 8 * scale);
    }
    return new LinearWeights.Int4(outputs, inputs, codes, scales, zeros);
  }

  private static float half(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value));
  }
}
