package dev.tributary.server.engine;

import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.LogitKernels;
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

  private float drawn;

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
      drawn = 1;
      return ranking.id(0);
    }
    double share = Philox.uniform(sampling.seed(), position);
    if (keepsAll(sampling)) {
      float scale = scale(sampling);
      int id = softmax.draw(ranking.row(), ranking.max(), scale, share);
      drawn = part(ranking, id, scale, softmax.mass());
      return id;
    }
    Ranking.Prefix kept = keep(ranking, sampling);
    int rank = ranking.walk(kept.count(), share * kept.mass(), 0).count() - 1;
    drawn = (float) (ranking.weight(rank) / kept.mass());
    return ranking.id(rank);
  }

  /// With what probability [#choose] took the token that it took last: the token's part of what was
  /// kept, and 1 at temperature 0.
  float drawn() {
    return drawn;
  }

  /// With what probability [#choose] takes `id`: 0 for what is cut off; at temperature 0 it is 1
  /// for the largest logit and 0 for all others. For the token that it took the same bits as
  /// [#drawn].
  float probability(int id, Sampling sampling, TokenCounts counts) {
    Ranking ranking = adjust(sampling, counts);
    if (sampling.temperature() == 0) {
      return ranking.id(0) == id ? 1 : 0;
    }
    if (keepsAll(sampling)) {
      float scale = scale(sampling);
      return part(ranking, id, scale, softmax.mass(ranking.row(), ranking.max(), scale));
    }
    Ranking.Prefix kept = keep(ranking, sampling);
    for (int rank = 0; rank < kept.count(); rank++) {
      if (ranking.id(rank) == id) {
        return (float) (ranking.weight(rank) / kept.mass());
      }
    }
    return 0;
  }

  private boolean keepsAll(Sampling sampling) {
    return topK(sampling) == vocabulary && sampling.topP() == 1 && sampling.minP() == 0;
  }

  private static float part(Ranking ranking, int id, float scale, double mass) {
    return (float) (LogitKernels.weight(ranking.row().get(0, id), ranking.max(), scale) / mass);
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
