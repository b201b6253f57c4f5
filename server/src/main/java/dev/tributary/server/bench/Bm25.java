package dev.tributary.server.bench;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond", over
/// tokens.
final class Bm25 {
  private static final double K1 = 1.5;
  private static final double B = 0.75;

  private final List<Map<Integer, Integer>> counts;
  private final Map<Integer, Integer> documents = new HashMap<>();
  private final double[] lengths;
  private final double mean;

  Bm25(List<int[]> texts) {
    counts = texts.stream().map(Bm25::count).toList();
    lengths = texts.stream().mapToDouble(text -> text.length).toArray();
    mean = texts.stream().mapToInt(text -> text.length).average().orElse(1);
    counts.forEach(each -> each.keySet().forEach(token -> documents.merge(token, 1, Integer::sum)));
  }

  private static Map<Integer, Integer> count(int[] text) {
    Map<Integer, Integer> count = new HashMap<>();
    for (int token : text) {
      count.merge(token, 1, Integer::sum);
    }
    return count;
  }

  /// Of each text for a query.
  double[] scores(int[] query) {
    double[] scores = new double[lengths.length];
    for (int token : count(query).keySet()) {
      int in = documents.getOrDefault(token, 0);
      double rarity = Math.log(1 + (lengths.length - in + 0.5) / (in + 0.5));
      for (int i = 0; i < scores.length; i++) {
        int often = counts.get(i).getOrDefault(token, 0);
        scores[i] += rarity * often * (K1 + 1) / (often + K1 * (1 - B + B * lengths[i] / mean));
      }
    }
    return scores;
  }
}
