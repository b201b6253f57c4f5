package dev.tributary.server.attribution;

import dev.tributary.record.Evidence;
import dev.tributary.record.Evidence.Limit;
import dev.tributary.server.tokenize.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Turns what was measured of an answer into integers that anybody can divide by.
public final class Findings {
  /// Sources told of besides those that credit goes to, the strongest.
  private static final int TOLD = 16;

  private final VersionIndex index;
  private final Tokenizer tokenizer;

  public Findings(VersionIndex index, Tokenizer tokenizer) {
    this.index = index;
    this.tokenizer = tokenizer;
  }

  /// @param answer of this version
  /// @param sketch of the answer; null: only spans and base share are known, because of `limit`
  public Evidence of(Answer answer, @Nullable Sketch sketch, Limit limit) {
    BitSet echo = Echo.of(answer.prompt(), answer.output());
    Words words = new Words(tokenizer, answer.output());
    List<SpanIndex.Span> spans = index.spans().spans(answer.output(), words::startsWord);
    int[] scores = sketch == null ? new int[0] : scores(sketch);
    Map<Integer, Integer> told = told(scores, spans);
    List<String> contributors = new ArrayList<>(contributors(told));
    List<Evidence.Source> sources = new ArrayList<>();
    for (int cluster : told.keySet()) {
      String contributor = index.about().clusters().get(cluster).contributor();
      told.put(cluster, sources.size());
      sources.add(
          new Evidence.Source(
              cluster,
              contributors.indexOf(contributor),
              scores.length == 0 ? 0 : scores[cluster]));
    }
    return new Evidence(
        index.about().threshold(),
        tokens(answer, echo),
        contributors,
        sources,
        spans.stream()
            .filter(span -> words.offset(span.from()) < words.offset(span.to()))
            .map(span -> span(span, words, echo, told))
            .toList(),
        limit);
  }

  /// Of each cluster, in [Evidence#SCORE_ONE]ths.
  private int[] scores(Sketch sketch) {
    double[] scores = index.table().scores(sketch);
    return Arrays.stream(scores)
        .mapToInt(score -> (int) Math.round(score * Evidence.SCORE_ONE))
        .toArray();
  }

  /// Clusters that are told of, in order, to be numbered.
  private Map<Integer, Integer> told(int[] scores, List<SpanIndex.Span> spans) {
    Map<Integer, Integer> told = new TreeMap<>();
    int threshold = index.about().threshold();
    IntStream.range(0, scores.length)
        .filter(cluster -> scores[cluster] > threshold)
        .forEach(cluster -> told.put(cluster, 0));
    IntStream.range(0, scores.length)
        .filter(cluster -> scores[cluster] > 0)
        .boxed()
        .sorted((a, b) -> Integer.compare(scores[b], scores[a]))
        .limit(TOLD)
        .forEach(cluster -> told.put(cluster, 0));
    spans.forEach(span -> owners(span).forEach(cluster -> told.put(cluster, 0)));
    return told;
  }

  /// One that very many have says nothing of anybody.
  private static List<Integer> owners(SpanIndex.Span span) {
    return span.owners().size() == SpanIndex.MOST_OWNERS ? List.of() : span.owners();
  }

  private TreeSet<String> contributors(Map<Integer, Integer> told) {
    TreeSet<String> names = new TreeSet<>();
    told.keySet().forEach(each -> names.add(index.about().clusters().get(each).contributor()));
    return names;
  }

  private static List<Integer> tokens(Answer answer, BitSet echo) {
    List<Integer> tokens = new ArrayList<>();
    for (int i = 0; i < answer.output().length; i++) {
      float drawn = answer.drawn()[i];
      if (Float.isNaN(drawn)) {
        tokens.add(Evidence.BIASED);
      } else if (echo.get(i) || drawn <= 0) {
        tokens.add(0);
      } else {
        double beyond = Math.clamp(1 - (double) answer.base()[i] / drawn, 0, 1);
        tokens.add((int) Math.round(beyond * Evidence.TOKEN));
      }
    }
    return tokens;
  }

  private static Evidence.Span span(
      SpanIndex.Span span, Words words, BitSet echo, Map<Integer, Integer> numbers) {
    boolean repeated = echo.nextClearBit(span.from()) >= span.to();
    return new Evidence.Span(
        span.from(),
        span.to(),
        words.offset(span.from()),
        words.offset(span.to()),
        span.places(),
        owners(span).stream().map(numbers::get).sorted().toList(),
        repeated);
  }
}
