package dev.tributary.record;

import dev.tributary.record.Evidence.Limit;
import dev.tributary.record.Evidence.Source;
import dev.tributary.record.Evidence.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/// Evidence drawn at random, of all forms.
final class EvidenceSamples {
  private final Random random;

  EvidenceSamples(int seed) {
    random = new Random(seed);
  }

  /// Of an answer whose contributors' side can be told.
  Evidence evidence() {
    return evidence(Limit.NONE);
  }

  Evidence any() {
    return evidence(Limit.values()[random.nextInt(Limit.values().length)]);
  }

  private Evidence evidence(Limit limit) {
    int tokens = random.nextInt(8) == 0 ? 0 : 1 + random.nextInt(60);
    int contributors = 1 + random.nextInt(9);
    int sources = random.nextInt(8) == 0 ? 0 : 1 + random.nextInt(20);
    return new Evidence(
        random.nextInt(6) == 0 ? 0 : random.nextInt(Evidence.SCORE_ONE / 2),
        IntStream.range(0, tokens).mapToObj(i -> mass()).toList(),
        IntStream.range(0, contributors).mapToObj(i -> "c\u00e9" + (i * 7 % 10)).toList(),
        sources(sources, contributors),
        spans(tokens, sources),
        limit);
  }

  private int mass() {
    return switch (random.nextInt(6)) {
      case 0 -> 0;
      case 1 -> Evidence.TOKEN;
      case 2 -> random.nextInt(8) == 0 ? Evidence.BIASED : 1;
      default -> random.nextInt(Evidence.TOKEN + 1);
    };
  }

  private List<Source> sources(int count, int contributors) {
    TreeSet<Integer> clusters = new TreeSet<>();
    while (clusters.size() < count) {
      clusters.add(random.nextInt(1000));
    }
    // Some scores twice, so that there are ties.
    int[] few = random.ints(4, -Evidence.SCORE_ONE, Evidence.SCORE_ONE).toArray();
    return clusters.stream()
        .map(
            cluster ->
                new Source(
                    cluster,
                    random.nextInt(contributors),
                    random.nextBoolean()
                        ? few[random.nextInt(4)]
                        : random.nextInt(2 * Evidence.SCORE_ONE) - Evidence.SCORE_ONE))
        .toList();
  }

  private List<Span> spans(int tokens, int sources) {
    TreeMap<Integer, Span> spans = new TreeMap<>();
    for (int i = random.nextInt(6); i > 0; i--) {
      int from = random.nextInt(Math.max(1, tokens));
      int to = from + 1 + random.nextInt(tokens == 0 ? 9 : tokens - from);
      List<Integer> of = new ArrayList<>();
      for (int source = 0; source < sources; source++) {
        if (random.nextInt(4) == 0) {
          of.add(source);
        }
      }
      boolean echo = random.nextInt(5) == 0;
      spans.put(
          from * 100 + to, new Span(from, to, 3 * from, 3 * to, 1 + random.nextInt(9), of, echo));
    }
    return List.copyOf(spans.values());
  }
}
