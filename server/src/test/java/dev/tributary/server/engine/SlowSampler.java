package dev.tributary.server.engine;

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
    float max = Float.NEGATIVE_INFINITY;
    for (float value : x) {
      max = Math.max(max, value);
    }
    float[] distance = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      distance[i] = (max - x[i]) / sampling.temperature();
    }
    List<Integer> kept =
        IntStream.range(0, x.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> distance[i]))
            .toList();
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

  private static double mass(List<Integer> ids, float[] distance) {
    return ids.stream().mapToDouble(i -> Math.exp(-distance[i])).sum();
  }
}
