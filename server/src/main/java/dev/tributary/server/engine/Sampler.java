package dev.tributary.server.engine;

import java.util.ArrayList;
import java.util.List;

/// Chooses tokens and reports how likely they were.
///
/// A choice depends on the row's own logits and request alone. Top-k, top-p and min-p each keep a
/// beginning of the [Ranking], and the token drawn is the first at which the sum of weights exceeds
/// the drawn share. Not thread safe: scratch is reused.
final class Sampler {
  private final float[] adjusted;
  private final float[] scratch;
  private final Ranking ranking;

  Sampler(int vocabulary) {
    adjusted = new float[vocabulary];
    scratch = new float[vocabulary];
    ranking = new Ranking(vocabulary);
  }

  /// The next token of a sequence.
  ///
  /// @param logits `[vocabulary]`, left as they are
  /// @param position number of tokens generated before
  /// @throws ArithmeticException if the logits are not finite
  int choose(float[] logits, Sampling sampling, TokenCounts counts, int position) {
    if (sampling.temperature() == 0) {
      return Softmax.argMax(adjust(logits, sampling, counts));
    }
    Ranking.Prefix kept = keep(logits, sampling, counts);
    double share = Philox.uniform(sampling.seed(), position) * kept.mass();
    return ranking.id(ranking.walk(kept.count(), share, 0).count() - 1);
  }

  /// The candidates that a temperature above 0 leaves: a beginning of [#ranking].
  Ranking.Prefix keep(float[] logits, Sampling sampling, TokenCounts counts) {
    float[] values = adjust(logits, sampling, counts);
    float max = values[Softmax.argMax(values)];
    Ranking.Prefix kept = ranking.rank(values, max, sampling.temperature());
    if (sampling.topK() > 0 && sampling.topK() < kept.count()) {
      kept = ranking.walk(sampling.topK(), Double.POSITIVE_INFINITY, 0);
    }
    if (sampling.topP() < 1) {
      // To reach p is to exceed what is just below it.
      double mass = Math.nextDown(sampling.topP() * kept.mass());
      kept = ranking.walk(kept.count(), mass, 0);
    }
    if (sampling.minP() > 0) {
      kept = ranking.walk(kept.count(), Double.POSITIVE_INFINITY, sampling.minP());
    }
    return kept;
  }

  Ranking ranking() {
    return ranking;
  }

  /// How likely `id` was, and the `top` most likely, of raw logits.
  TokenLogprob logprob(float[] logits, int id, int top) {
    float max = logits[Softmax.argMax(logits)];
    double logSum = Softmax.logSumExp(logits, max, scratch);
    List<TokenLogprob.Alternative> alternatives = new ArrayList<>(top);
    for (int alternative : largest(logits, Math.min(top, logits.length))) {
      alternatives.add(
          new TokenLogprob.Alternative(alternative, (float) (logits[alternative] - logSum)));
    }
    return new TokenLogprob(id, (float) (logits[id] - logSum), alternatives);
  }

  private float[] adjust(float[] logits, Sampling sampling, TokenCounts counts) {
    if (sampling.logitBias().isEmpty() && !sampling.penalises()) {
      return logits;
    }
    System.arraycopy(logits, 0, adjusted, 0, logits.length);
    sampling.logitBias().forEach((id, bias) -> adjusted[id] += bias);
    if (sampling.penalises()) {
      counts.penalise(adjusted, sampling);
    }
    return adjusted;
  }

  /// Indices of the `count` largest values, largest first, ties to the lowest.
  private static int[] largest(float[] values, int count) {
    int[] best = new int[count];
    int found = 0;
    for (int i = 0; i < values.length && count > 0; i++) {
      if (found == count && !(values[i] > values[best[count - 1]])) {
        continue;
      }
      int at = found == count ? count - 1 : found++;
      for (; at > 0 && values[i] > values[best[at - 1]]; at--) {
        best[at] = best[at - 1];
      }
      best[at] = i;
    }
    return best;
  }
}
