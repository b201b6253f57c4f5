package dev.tributary.server.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.tensor.Floats;
import dev.tributary.server.tensor.LinearWeights;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizerTest {
  private static final int COLS = 64;

  private static StoredTensor matrix(float[] values) {
    return RepackTest.f32(values.length / COLS, COLS, values);
  }

  private static float[] quantized(float[] values) {
    LinearWeights.Int4 linear = (LinearWeights.Int4) Quantizer.quantize(matrix(values));
    float[] result = new float[values.length];
    float[] row = new float[COLS];
    for (int r = 0; r < linear.outputs(); r++) {
      linear.row(r, row);
      System.arraycopy(row, 0, result, r * COLS, COLS);
    }
    return result;
  }

  @Test
  void quantize_weightsOnAGrid_comeBackExactly() {
    Random random = new Random(3);
    float[] weights = new float[4_000 * COLS];
    for (int group = 0; group < weights.length / 32; group++) {
      float scale = Floats.roundToBf16((float) Math.scalb(random.nextGaussian(), -6));
      // A zero much smaller than the scale would need more than the 24 bits of the weights.
      float zero = random.nextInt(4) == 0 ? 0 : Floats.roundToBf16(scale * random.nextInt(-15, 16));
      int lowest = random.nextInt(15);
      int highest = random.nextInt(lowest + 1, 16);
      for (int i = 0; i < 32; i++) {
        int q = i == 0 ? lowest : i == 1 ? highest : random.nextInt(lowest, highest + 1);
        // + 0 makes zeros positive.
        weights[group * 32 + i] = (q - 8) * scale + zero + 0.0f;
      }
    }
    float[] result = quantized(weights);
    for (int group = 0; group < weights.length / 32; group++) {
      assertThat(Arrays.copyOfRange(result, group * 32, group * 32 + 32))
          .as("group %d", group)
          .containsExactly(Arrays.copyOfRange(weights, group * 32, group * 32 + 32));
    }
  }

  @Test
  void quantize_randomWeights_beatsRoundingToNearest() {
    Random random = new Random(4);
    float[] weights = new float[1_000 * COLS];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Floats.roundToBf16((float) (random.nextGaussian() / 50));
    }
    float[] result = quantized(weights);
    double cost = 0;
    double nearest = 0;
    for (int group = 0; group < weights.length / 32; group++) {
      double groupCost = cost(weights, result, group);
      double groupNearest = nearestCost(weights, group);
      assertThat(groupCost).isLessThanOrEqualTo(groupNearest);
      cost += groupCost;
      nearest += groupNearest;
    }
    // (7.06 / 7.82)² = 0.815 was measured.
    assertThat(cost / nearest).isBetween(0.5, 0.83);
  }

  private static double cost(float[] weights, float[] result, int group) {
    double cost = 0;
    for (int i = group * 32; i < group * 32 + 32; i++) {
      cost += Math.pow((double) weights[i] - result[i], 2);
    }
    return cost;
  }

  /// Of sixteen levels from the least to the greatest weight, s and z rounded.
  private static double nearestCost(float[] weights, int group) {
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (int i = group * 32; i < group * 32 + 32; i++) {
      least = Math.min(least, weights[i]);
      most = Math.max(most, weights[i]);
    }
    float s = Floats.roundToBf16((float) (((double) most - least) / 15));
    float z = Floats.roundToBf16((float) (least + 8 * ((double) most - least) / 15));
    double cost = 0;
    for (int i = group * 32; i < group * 32 + 32; i++) {
      long c = Math.clamp(Math.round((weights[i] - z) / s), -8, 7);
      cost += Math.pow(weights[i] - (double) (c * s + z), 2);
    }
    return cost * (1 + 1e-9);
  }

  @Test
  void quantize_constantGroups_keepTheConstant() {
    float[] weights = new float[2 * COLS];
    Arrays.fill(weights, COLS, 2 * COLS, -0.75f);
    assertThat(quantized(weights)).containsExactly(weights);
  }

  @Test
  void quantize_tinyWeights_stayFinite() {
    float[] weights = new float[COLS];
    for (int i = 0; i < COLS; i++) {
      weights[i] = i * Float.MIN_VALUE;
    }
    for (float weight : quantized(weights)) {
      assertThat(Math.abs(weight)).isLessThan(1e-40f);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.NEGATIVE_INFINITY, Float.MAX_VALUE})
  void quantize_valuesThatDoNotFit_areRefused(float value) {
    float[] weights = new float[COLS];
    Arrays.fill(weights, 32, COLS, value);
    assertThatThrownBy(() -> quantized(weights))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("t: expected finite values");
  }

  @Test
  void quantize_inputsThatFillNoGroups_becomeBf16() {
    assertThat(Quantizer.quantize(RepackTest.f32(1, 33, new float[33])))
        .isInstanceOf(LinearWeights.Bf16.class);
  }
}
