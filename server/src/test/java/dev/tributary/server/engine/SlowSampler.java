package dev.tributary.server.engine;

import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.LogitKernels;
import dev.tributary.server.tensor.Matrix;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/// The API's order of sampling as its words say it, with whole lists and no shortcuts: the oracle
/// of [Sampler].
final class SlowSampler {
  private SlowSampler() {}

  /// Ids that sampling leaves, the most likely first.
  static List<Integer> keep(float[] logits, Sampling sampling, int[] prompt, int[] output) {
    float[] x = adjust(logits, sampling, prompt, output);
    float max = Float.NEGATIVE_INFINITY;
    for (float value : x) {
      max = Math.max(max, value);
    }
    float[] distance = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      distance[i] = (max - x[i]) / sampling.temperature();
    }
    List<Integer> kept = ranked(x);
    if (sampling.topK() > 0) {
      kept = kept.subList(0, Math.min(sampling.topK(), kept.size()));
    }
    if (sampling.topP() < 1) {
      double total = mass(kept, distance);
      int count = 1;
      while (mass(kept.subList(0, count), distance) < sampling.topP() * total) {
        count++;
      }
      kept = kept.subList(0, count);
    }
    return kept.stream().filter(i -> Math.exp(-distance[i]) >= sampling.minP()).toList();
  }

  /// With what probability `id` is drawn: its part of the softmax over what is left, in float64.
  static double probability(float[] logits, Sampling sampling, int[] prompt, int[] output, int id) {
    float[] x = adjust(logits, sampling, prompt, output);
    if (sampling.temperature() == 0) {
      return ranked(x).getFirst() == id ? 1 : 0;
    }
    List<Integer> kept = keep(logits, sampling, prompt, output);
    double max = x[kept.getFirst()];
    double sum = 0;
    for (int other : kept) {
      sum += Math.exp((x[other] - max) / sampling.temperature());
    }
    return kept.contains(id) ? Math.exp((x[id] - max) / sampling.temperature()) / sum : 0;
  }

  private static double mass(List<Integer> ids, float[] distance) {
    return ids.stream().mapToDouble(i -> Math.exp(-distance[i])).sum();
  }

  /// The token drawn, bit by bit: what is added in float32 blocks is left to [LogitKernels], which
  /// has a twin of its own.
  static int choose(float[] logits, Sampling sampling, int[] prompt, int[] output, int position) {
    float[] x = adjust(logits, sampling, prompt, output);
    List<Integer> ranked = ranked(x);
    if (sampling.temperature() == 0) {
      return ranked.get(0);
    }
    Matrix row = Matrix.of(DType.F32, 1, x.length, x);
    float max = x[ranked.get(0)];
    float scale = Math.min(1 / sampling.temperature(), Float.MAX_VALUE);
    double share = Philox.uniform(sampling.seed(), position);
    int limit = sampling.topK() == 0 ? x.length : Math.min(x.length, sampling.topK());
    if (limit == x.length && sampling.topP() == 1 && sampling.minP() == 0) {
      return drawById(row, max, scale, share);
    }
    List<Integer> kept = new ArrayList<>(ranked.subList(0, limit));
    double all =
        limit == x.length
            ? LogitKernels.sum(row, max, scale, new float[LogitKernels.blocks(x.length)])
            : kept.stream()
                .mapToDouble(i -> LogitKernels.weight(x[i], max, scale))
                .reduce(0, Double::sum);
    double sum = 0;
    int count = 0;
    while (count < limit && (sampling.topP() == 1 || sum < sampling.topP() * all)) {
      float weight = LogitKernels.weight(x[kept.get(count)], max, scale);
      if (weight < sampling.minP()) {
        break;
      }
      sum += weight;
      count++;
    }
    double reached = 0;
    for (int id : kept.subList(0, count)) {
      reached += LogitKernels.weight(x[id], max, scale);
      if (reached > share * sum) {
        return id;
      }
    }
    throw new AssertionError("the share of " + share + " is not reached");
  }

  private static int drawById(Matrix row, float max, float scale, double share) {
    float[] blocks = new float[LogitKernels.blocks(row.cols())];
    double rest = share * LogitKernels.sum(row, max, scale, blocks);
    double before = 0;
    int block = 0;
    while (before + blocks[block] <= rest) {
      before += blocks[block++];
    }
    List<Double> sums = new ArrayList<>();
    double sum = 0;
    int first = block * LogitKernels.BLOCK;
    for (int id = first; id < Math.min(row.cols(), first + LogitKernels.BLOCK); id++) {
      sum += LogitKernels.weight(row.get(0, id), max, scale);
      sums.add(sum);
    }
    double wanted = (rest - before) / blocks[block] * sum;
    return first
        + IntStream.range(0, sums.size())
            .filter(i -> sums.get(i) > wanted)
            .findFirst()
            .orElseThrow();
  }

  static TokenLogprob logprob(float[] logits, int id, int top) {
    List<Integer> ranked = ranked(logits);
    Matrix row = Matrix.of(DType.F32, 1, logits.length, logits);
    float max = logits[ranked.get(0)];
    float[] blocks = new float[LogitKernels.blocks(logits.length)];
    double logSum = max + StrictMath.log(LogitKernels.sum(row, max, 1, blocks));
    return new TokenLogprob(
        id,
        (float) (logits[id] - logSum),
        ranked.stream()
            .limit(top)
            .map(i -> new TokenLogprob.Alternative(i, (float) (logits[i] - logSum)))
            .toList());
  }

  private static List<Integer> ranked(float[] x) {
    return IntStream.range(0, x.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> 0.0 - x[i]))
        .toList();
  }

  private static float[] adjust(float[] logits, Sampling sampling, int[] prompt, int[] output) {
    float[] x = logits.clone();
    sampling.logitBias().forEach((id, bias) -> x[id] += bias);
    Set<Integer> seen = new LinkedHashSet<>();
    IntStream.concat(IntStream.of(prompt), IntStream.of(output)).forEach(seen::add);
    for (int id : seen) {
      float p = sampling.repetitionPenalty();
      x[id] = x[id] > 0 ? x[id] / p : x[id] * p;
      long count = IntStream.of(output).filter(o -> o == id).count();
      x[id] -= count * sampling.frequencyPenalty();
      x[id] -= count > 0 ? sampling.presencePenalty() : 0;
    }
    return x;
  }
}
