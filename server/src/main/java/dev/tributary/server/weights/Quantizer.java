package dev.tributary.server.weights;

import static dev.tributary.server.tensor.LinearWeights.GROUP;

import dev.tributary.server.tensor.LinearWeights;
import java.util.stream.IntStream;

/// Four-bit weights of 16- and 32-bit ones, in groups of 32.
///
/// Each group starts from rounding to nearest between its least and its greatest weight, then codes
/// and the rounded scale and zero are refined in turn by least squares from three starts; weights
/// that lie on a grid come back exactly.
///
/// This took the place of HQQ's refinement (Badri and Shaji 2023: half-quadratic splitting on the
/// zero alone) by measurement. Root mean square of the error, as part of that of the weights:
///
/// | weights | nearest | HQQ | least squares, one start | three starts |
/// |---|---|---|---|---|
/// | default model's embedding | 9.00% | 8.56% | 8.38% | 8.14% |
/// | normal | 7.82% | 7.40% | 7.23% | 7.06% |
/// | Student's t, 4 degrees | 9.36% | 8.91% | 8.70% | 8.48% |
public final class Quantizer {
  private Quantizer() {}

  /// The weights of a linear layer in four bits, or in bfloat16 if its inputs don't fill groups.
  ///
  /// @throws FormatException if it is no matrix, or holds something that is not finite
  public static LinearWeights quantize(StoredTensor tensor) {
    if (tensor.shape().size() != 2 || tensor.cols() % GROUP != 0) {
      return tensor.toLinear();
    }
    Int4Builder target = new Int4Builder(tensor.rows(), tensor.cols());
    IntStream.range(0, tensor.rows()).parallel().forEach(row -> quantizeRow(tensor, row, target));
    return target.build();
  }

  private static void quantizeRow(StoredTensor tensor, int row, Int4Builder target) {
    float[] weights = new float[tensor.cols()];
    tensor.row(row, weights);
    for (float weight : weights) {
      tensor.requireFinite(row, weight);
    }
    GroupFit fit = new GroupFit();
    for (int group = 0; group < weights.length / GROUP; group++) {
      fit.fit(weights, group * GROUP);
      if (Double.isInfinite(fit.cost())) {
        // Finite, but beyond what bfloat16 and differences in float32 can hold.
        tensor.requireFinite(row, Float.POSITIVE_INFINITY);
      }
      target.codes(row, group, eight(fit, 0), eight(fit, 8), eight(fit, 16), eight(fit, 24));
      target.put(row, group, fit.scale(), fit.zero());
    }
  }

  private static int eight(GroupFit fit, int from) {
    int packed = 0;
    for (int i = 0; i < 8; i++) {
      packed |= fit.code(from + i) << (4 * i);
    }
    return packed;
  }
}
