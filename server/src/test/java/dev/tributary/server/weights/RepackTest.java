package dev.tributary.server.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.Floats;
import dev.tributary.server.tensor.LinearWeights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RepackTest {
  static StoredTensor f32(int rows, int cols, float... values) {
    Bytes data = Bytes.allocate(4L * rows * cols);
    for (int i = 0; i < values.length; i++) {
      data.putFloat(4L * i, values[i]);
    }
    return new StoredTensor(
        "t", TensorType.F32, List.of((long) rows, (long) cols), data, Path.of("file"), 100);
  }

  private static float[] row(LinearWeights weights, int row) {
    float[] values = new float[weights.inputs()];
    weights.row(row, values);
    return values;
  }

  private static float[] row(StoredTensor tensor, int row) {
    float[] values = new float[tensor.cols()];
    tensor.row(row, values);
    return values;
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q4_1", "Q4_K"})
  void toLinear_fourBits_keepsCodesAndRoundsScaleAndZero(TensorType type) throws IOException {
    StoredTensor stored = TensorTypeTest.golden().tensor(type.name());
    LinearWeights.Int4 linear = (LinearWeights.Int4) stored.toLinear();

    assertThat(linear.outputs()).isEqualTo(3);
    assertThat(linear.inputs()).isEqualTo(512);
    for (int r = 0; r < 3; r++) {
      float[] exact = row(stored, r);
      float[] rounded = row(linear, r);
      for (int group = 0; group < 16; group++) {
        requireBestRounding(linear, r, group, exact, rounded);
      }
    }
  }

  /// The two weights with the lowest and the highest code give the exact scale and zero: the codes
  /// explain all weights with these, and no rounding of each by itself does better.
  private static void requireBestRounding(
      LinearWeights.Int4 linear, int row, int group, float[] exact, float[] rounded) {
    int low = 0;
    int high = 0;
    for (int i = 0; i < 32; i++) {
      low = code(linear, row, group, i) < code(linear, row, group, low) ? i : low;
      high = code(linear, row, group, i) > code(linear, row, group, high) ? i : high;
    }
    int lowCode = code(linear, row, group, low) - 8;
    int steps = code(linear, row, group, high) - 8 - lowCode;
    double scale = ((double) exact[group * 32 + high] - exact[group * 32 + low]) / steps;
    double zero = exact[group * 32 + low] - lowCode * scale;
    double scaleAlone = Floats.roundToBf16((float) scale);
    double zeroAlone = Floats.roundToBf16((float) zero);
    double magnitude = Math.abs(scale) * 8 + Math.abs(zero);
    double cost = 0;
    double costAlone = 0;
    for (int i = 0; i < 32; i++) {
      int c = code(linear, row, group, i) - 8;
      double value = exact[group * 32 + i];
      assertThat(c * scale + zero).isCloseTo(value, within(magnitude * 1e-6));
      cost += Math.pow(rounded[group * 32 + i] - value, 2);
      costAlone += Math.pow(c * scaleAlone + zeroAlone - value, 2);
    }
    // bfloat16 keeps 8 bits: half a unit in the last place is 2^-9 of the value.
    assertThat(Math.sqrt(cost / 32)).isLessThanOrEqualTo(magnitude * 0x1p-8);
    assertThat(cost).isLessThanOrEqualTo(costAlone * 1.0001 + 1e-12 * magnitude * magnitude);
  }

  private static org.assertj.core.data.Offset<Double> within(double value) {
    return org.assertj.core.data.Offset.offset(value);
  }

  private static int code(LinearWeights.Int4 linear, int row, int group, int i) {
    return linear.code(row, group * 32 + i);
  }

  @Test
  void toLinear_q80_isExact() throws IOException {
    StoredTensor stored = TensorTypeTest.golden().tensor("Q8_0");
    LinearWeights linear = stored.toLinear();

    assertThat(linear).isInstanceOf(LinearWeights.Int8.class);
    for (int r = 0; r < 3; r++) {
      assertThat(row(linear, r)).containsExactly(row(stored, r));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q5_0", "Q5_1", "Q5_K", "Q6_K"})
  void toLinear_otherTypes_roundToBf16(TensorType type) throws IOException {
    StoredTensor stored = TensorTypeTest.golden().tensor(type.name());
    LinearWeights linear = stored.toLinear();

    assertThat(linear).isInstanceOf(LinearWeights.Bf16.class);
    for (int r = 0; r < 3; r++) {
      float[] expected = row(stored, r);
      for (int i = 0; i < expected.length; i++) {
        expected[i] = Floats.roundToBf16(expected[i]);
      }
      assertThat(row(linear, r)).containsExactly(expected);
    }
  }

  @Test
  void toLinear_notFinite_isRefused() {
    float[] values = new float[64];
    values[40] = Float.NaN;
    assertThatThrownBy(() -> f32(2, 32, values).toLinear())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("byte 228: t: expected finite values, found NaN");
    values[40] = Float.MAX_VALUE; // infinite in bfloat16
    assertThatThrownBy(() -> f32(2, 32, values).toLinear()).hasMessageContaining("Infinity");
    Bytes block = Bytes.allocate(18);
    block.putShort(0, (short) 0x7c00); // infinite in float16
    assertThatThrownBy(
            () ->
                new StoredTensor("q", TensorType.Q4_0, List.of(1L, 32L), block, Path.of("f"), 0)
                    .toLinear())
        .isInstanceOf(FormatException.class);
  }

  @Test
  void toLinear_vector_isRefused() {
    StoredTensor vector =
        new StoredTensor("v", TensorType.F32, List.of(2L), Bytes.allocate(8), Path.of("f"), 0);
    assertThatThrownBy(vector::toLinear).hasMessageContaining("v: expected a matrix, found [2]");
  }

  @Test
  void unpermuted_anyType_ordersRowsAsHuggingFaceDoes() throws IOException {
    // reshape(heads, half, 2, cols).swapaxes(1, 2), with 2 heads of width 6.
    int[] stored = {0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11};
    float[] values = new float[12];
    for (int i = 0; i < 12; i++) {
      values[i] = i;
    }
    StoredTensor matrix = f32(12, 1, values).unpermuted(2);
    StoredTensor vector =
        new StoredTensor(
                "v", TensorType.F32, List.of(12L), f32(12, 1, values).data(), Path.of("f"), 0)
            .unpermuted(2);

    for (int r = 0; r < 12; r++) {
      assertThat(row(matrix, r)[0]).isEqualTo(stored[r]);
      assertThat(vector.toFloats()[r]).isEqualTo(stored[r]);
      assertThat(row(matrix.toLinear(), r)[0]).isEqualTo(stored[r]);
    }
    assertThatThrownBy(() -> matrix.unpermuted(4)).hasMessageContaining("4 heads of even width");
  }

  @Test
  void unpermuted_fourBits_givesTheSameRowsInAnotherOrder() {
    SplittableRandom random = new SplittableRandom(7);
    Bytes data = Bytes.allocate(8 * 2 * 20);
    for (int i = 0; i < data.size(); i++) {
      data.put(i, (byte) (i % 20 == 1 || i % 20 == 3 ? 0x20 : random.nextInt(256)));
    }
    StoredTensor plain =
        new StoredTensor("k", TensorType.Q4_1, List.of(8L, 64L), data, Path.of("f"), 0);
    LinearWeights before = plain.toLinear();
    LinearWeights after = plain.unpermuted(1).toLinear();
    for (int r = 0; r < 8; r++) {
      assertThat(row(after, r)).containsExactly(row(before, r % 4 * 2 + r / 4));
    }
  }

  @Test
  void stack_sameForm_joinsOutputs() throws IOException {
    for (TensorType type : List.of(TensorType.Q4_K, TensorType.Q8_0, TensorType.Q6_K)) {
      LinearWeights one = TensorTypeTest.golden().tensor(type.name()).toLinear();
      LinearWeights two = LinearStack.of(List.of(one, one)).orElseThrow();

      assertThat(two.getClass()).isEqualTo(one.getClass());
      assertThat(two.outputs()).isEqualTo(6);
      for (int r = 0; r < 6; r++) {
        assertThat(row(two, r)).containsExactly(row(one, r % 3));
      }
    }
  }

  @Test
  void stack_otherFormOrInputs_isEmpty() throws IOException {
    LinearWeights int4 = TensorTypeTest.golden().tensor("Q4_K").toLinear();
    LinearWeights int8 = TensorTypeTest.golden().tensor("Q8_0").toLinear();

    assertThat(LinearStack.of(List.of(int4, int8))).isEmpty();
    assertThat(LinearStack.of(List.of(f32(1, 2, 1, 2).toLinear(), f32(1, 1, 1).toLinear())))
        .isEmpty();
  }
}
