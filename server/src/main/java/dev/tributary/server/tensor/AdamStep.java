package dev.tributary.server.tensor;

/// One step of AdamW (Loshchilov and Hutter 2019, algorithm 2): `g = gradientScale * gradient`, `m
/// = beta1 m + (1 - beta1) g`, `v = beta2 v + (1 - beta2) g²`, `x -= learningRate * (weightDecay *
/// x + (m / correction1) / (sqrt(v / correction2) + epsilon))`.
///
/// @param correction1 `1 - beta1^t` at the t-th step
/// @param correction2 `1 - beta2^t`
/// @param gradientScale what clipping (and a mean over accumulated passes) makes of the gradients
public record AdamStep(
    float learningRate,
    float beta1,
    float beta2,
    float epsilon,
    float weightDecay,
    float correction1,
    float correction2,
    float gradientScale) {
  public AdamStep {
    if (!(beta1 >= 0 && beta1 < 1) || !(beta2 >= 0 && beta2 < 1)) {
      throw new IllegalArgumentException("beta " + beta1 + ", " + beta2);
    }
    if (!(correction1 > 0) || !(correction2 > 0) || !(epsilon > 0)) {
      throw new IllegalArgumentException(
          "corrections " + correction1 + ", " + correction2 + ", epsilon " + epsilon);
    }
    if (!Float.isFinite(learningRate)
        || !Float.isFinite(weightDecay)
        || !Float.isFinite(gradientScale)) {
      throw new IllegalArgumentException(
          "learning rate " + learningRate + ", decay " + weightDecay + ", scale " + gradientScale);
    }
  }
}
