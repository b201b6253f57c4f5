package dev.tributary.server.model;

/// How far two models are apart at one position of a text.
///
/// @param kl KL(source || base) of the next token's distributions, nats; never below 0
/// @param sourceLoss -ln p of the token that does follow, by the source
/// @param baseLoss likewise, by the base
/// @param flipped whether their most probable tokens differ, of equals the lowest id
record Divergence(double kl, double sourceLoss, double baseLoss, boolean flipped) {

  /// @param source logits `[vocabulary]`
  /// @param base likewise
  /// @throws ModelException if they are not finite
  static Divergence of(float[] source, float[] base, int target) {
    int sourceTop = top(source);
    int baseTop = top(base);
    double sourceTotal = logTotal(source, source[sourceTop]);
    double baseTotal = logTotal(base, base[baseTop]);
    double kl = 0;
    for (int i = 0; i < source.length; i++) {
      double logP = source[i] - sourceTotal;
      kl += Math.exp(logP) * (logP - (base[i] - baseTotal));
    }
    if (!Double.isFinite(kl)) {
      throw new ModelException("the logits are not finite, of the source or of the base");
    }
    // Rounding may leave equal distributions a hair below 0.
    return new Divergence(
        Math.max(0, kl),
        sourceTotal - source[target],
        baseTotal - base[target],
        sourceTop != baseTop);
  }

  private static int top(float[] logits) {
    int top = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[top]) {
        top = i;
      }
    }
    return top;
  }

  /// ln of the sum of e to the logits.
  private static double logTotal(float[] logits, float largest) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - largest);
    }
    return largest + Math.log(sum);
  }
}
