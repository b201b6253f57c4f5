package dev.tributary.server.engine;

import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.util.ArrayList;
import java.util.List;

/// Chooses tokens and reports how likely they were.
///
/// A choice depends on the row's own logits and request alone. Top-k, top-p and min-p each keep a
/// beginning of the [Ranking], and the token drawn is the first at which the sum of weights exceeds
/// the drawn share; where nothing is cut off, no token need be ranked, and weights are added in
/// order of id ([Softmax]). Not thread safe: scratch is reused, so every worker has its own.
final class Sampler {
  private final int vocabulary;
  private final Softmax softmax;

  /// Of the row read.
  private final Ranking raw;

  /// Of [#adjusted].
  private final Ranking changed;

  /// The row read, with bias and penalties.
  private final Matrix adjusted;

  Sampler(int vocabulary) {
    this.vocabulary = vocabulary;
    softmax = new Softmax(vocabulary);
    raw = new Ranking(vocabulary);
    changed = new Ranking(vocabulary);
    adjusted = Matrix.allocate(DType.F32, 1, vocabulary);
  }

  /// Begins with a row of logits, float32 `[1, vocabulary]`, which all other calls are about. It is
  /// left as it is, and must be until the next.
  void read(Matrix row) {
    raw.read(row);
  }

  /// The next token of a sequence.
  ///
  /// @param position number of tokens generated before
  /// @throws ArithmeticException if the logits are not finite
  int choose(Sampling sampling, TokenCounts counts, int position) {
    Ranking ranking = adjust(sampling, counts);
    if (sampling.temperature() == 0) {
      return ranking.id(0);
    }
    double share = Philox.uniform(sampling.seed(), position);
    if (topK(sampling) == vocabulary && sampling.topP() == 1 && sampling.minP() == 0) {
      return softmax.draw(ranking.row(), ranking.max(), scale(sampling), share);
    }
    Ranking.Prefix kept = keep(ranking, sampling);
    return ranking.id(ranking.walk(kept.count(), share * kept.mass(), 0).count() - 1);
  }

  /// The logits that choices are made of: bias and penalties applied.
  Ranking adjust(Sampling sampling, TokenCounts counts) {
    if (sampling.logitBias().isEmpty() && !sampling.penalises()) {
      return raw;
    }
    adjusted.copyRow(raw.row(), 0, 0);
    sampling.logitBias().forEach((id, bias) -> adjusted.set(0, id, adjusted.get(0, id) + bias));
    if (sampling.penalises()) {
      counts.penalise(adjusted, sampling);
    }
    changed.read(adjusted);
    return changed;
  }

  /// The candidates that a temperature above 0 leaves: a beginning of `ranking`.
  Ranking.Prefix keep(Ranking ranking, Sampling sampling) {
    float scale = scale(sampling);
    ranking.scale(scale);
    int limit = topK(sampling);
    double mass = Double.POSITIVE_INFINITY;
    if (sampling.topP() < 1) {
      double all =
          limit < vocabulary
              ? ranking.walk(limit, mass, 0).mass()
              : softmax.mass(ranking.row(), ranking.max(), scale);
      // To reach p is to exceed what is just below it.
      mass = Math.nextDown(sampling.topP() * all);
    }
    return ranking.walk(limit, mass, sampling.minP());
  }

  /// How likely `id` was, and the `top` most likely, of the row as it was read.
  ///
  /// @throws ArithmeticException if the logits are not finite
  TokenLogprob logprob(int id, int top) {
    double logSum = softmax.logSum(raw.row(), raw.max());
    List<TokenLogprob.Alternative> alternatives = new ArrayList<>(top);
    for (int rank = 0; rank < Math.min(top, vocabulary); rank++) {
      int alternative = raw.id(rank);
      alternatives.add(
          new TokenLogprob.Alternative(
              alternative, (float) (raw.row().get(0, alternative) - logSum)));
    }
    return new TokenLogprob(id, (float) (raw.row().get(0, id) - logSum), alternatives);
  }

  /// The most likely token of the row as it was read.
  int best() {
    return raw.id(0);
  }

  private int topK(Sampling sampling) {
    return sampling.topK() == 0 ? vocabulary : Math.min(sampling.topK(), vocabulary);
  }

  /// One over the temperature, finite however low that is.
  private static float scale(Sampling sampling) {
    return Math.min(1 / sampling.temperature(), Float.MAX_VALUE);
  }
}
