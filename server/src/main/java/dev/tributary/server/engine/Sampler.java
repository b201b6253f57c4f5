package dev.tributary.server.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Chooses tokens and reports how likely they were.
///
/// A choice depends on the row's own logits and request alone. Candidates are ranked by likelihood,
/// ties to the lowest id; top-k, top-p and min-p each keep a prefix of that ranking, and the token
/// drawn is the first at which the prefix's cumulative weight exceeds its share.
///
/// Ranking a whole vocabulary would cost more than all else: tokens are dealt into buckets of
/// likelihood, and only buckets that are reached are sorted. Not thread safe: scratch is reused.
final class Sampler {
  /// Buckets a nat.
  private static final int RESOLUTION = 8;

  /// The last holds all beyond 64 nats.
  private static final int BUCKETS = 64 * RESOLUTION + 1;

  private final float[] adjusted;
  private final float[] distances;
  private final float[] weights;

  /// Distance's bits, then id: in ascending order, the most likely first.
  private final long[] ranked;

  /// Bucket b is `ranked[starts[b] .. starts[b + 1])`.
  private final int[] starts = new int[BUCKETS + 1];

  /// Buckets below are sorted.
  private int sortedBuckets;

  /// Weight of the tokens that the last [#walk] passed.
  private double walked;

  Sampler(int vocabulary) {
    adjusted = new float[vocabulary];
    distances = new float[vocabulary];
    weights = new float[vocabulary];
    ranked = new long[vocabulary];
  }

  /// The next token of a sequence.
  ///
  /// @param logits `[vocabulary]`, left as they are
  /// @param position number of tokens generated before
  /// @throws ArithmeticException if the logits are not finite
  int choose(float[] logits, Sampling sampling, TokenCounts counts, int position) {
    float[] values = adjust(logits, sampling, counts);
    int best = Softmax.argMax(values);
    if (sampling.temperature() == 0 || sampling.topK() == 1) {
      return best;
    }
    Softmax.weigh(values, values[best], sampling.temperature(), distances, weights);
    rank();
    int kept = ranked.length;
    double mass = Softmax.sum(weights);
    if (sampling.topK() > 0 && sampling.topK() < kept) {
      kept = walk(sampling.topK(), Double.POSITIVE_INFINITY, 0);
      mass = walked;
    }
    if (sampling.topP() < 1) {
      // The fewest that reach p: the walk stops at the first where the sum exceeds what is below p.
      kept = walk(kept, Math.nextDown(sampling.topP() * mass), 0);
      mass = walked;
    }
    if (sampling.minP() > 0) {
      kept = walk(kept, Double.POSITIVE_INFINITY, sampling.minP());
      mass = walked;
    }
    int drawn = walk(kept, Philox.uniform(sampling.seed(), position) * mass, 0);
    return (int) ranked[drawn - 1];
  }

  /// How likely `id` was, and the `top` most likely, of raw logits.
  TokenLogprob logprob(float[] logits, int id, int top) {
    float max = logits[Softmax.argMax(logits)];
    double logSum = Softmax.logSumExp(logits, max, weights);
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

  /// Deals all tokens into buckets.
  private void rank() {
    Arrays.fill(starts, 0);
    for (float distance : distances) {
      starts[bucket(distance) + 1]++;
    }
    for (int b = 0; b < BUCKETS; b++) {
      starts[b + 1] += starts[b];
    }
    // Filling moves each start to the next one's place, so shift them back afterwards.
    for (int id = 0; id < distances.length; id++) {
      long bits = Float.floatToRawIntBits(distances[id]);
      ranked[starts[bucket(distances[id])]++] = bits << 32 | id;
    }
    System.arraycopy(starts, 0, starts, 1, BUCKETS);
    starts[0] = 0;
    sortedBuckets = 0;
  }

  private static int bucket(float distance) {
    return (int) Math.min(distance * RESOLUTION, BUCKETS - 1);
  }

  /// Passes tokens from the most likely on: at most `limit`, none lighter than `lightest`, and none
  /// after the first that takes the sum of weights above `mass`. Returns how many, at least one.
  private int walk(int limit, double mass, float lightest) {
    walked = 0;
    int count = 0;
    while (count < limit) {
      while (count >= starts[sortedBuckets]) {
        Arrays.sort(ranked, starts[sortedBuckets], starts[sortedBuckets + 1]);
        sortedBuckets++;
      }
      float weight = weights[(int) ranked[count]];
      if (weight < lightest) {
        break;
      }
      walked += weight;
      count++;
      if (walked > mass) {
        break;
      }
    }
    return count;
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
