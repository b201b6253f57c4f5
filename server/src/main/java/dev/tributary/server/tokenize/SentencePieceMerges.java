package dev.tributary.server.tokenize;

import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/// Merges from scores: SentencePiece's BPE joins the two neighbours that make the best token, so
/// every way to cut a token into two tokens is a merge as good as the token's score. Equal scores
/// go to the longer left part, then the longer right one, then in the vocabulary's order, as
/// transformers sorts them.
final class SentencePieceMerges {
  /// Bounds the substrings looked up; a real vocabulary needs well under a million.
  private static final long MAX_CUTS = 1 << 24;

  private record Merge(String left, String right, double score) {}

  private SentencePieceMerges() {}

  /// @param ids the tokens text can become
  static void fill(ArrayNode into, String[] tokens, double[] scores, Map<String, Integer> ids) {
    List<Merge> merges = new ArrayList<>();
    long cuts = 0;
    for (int id = 0; id < tokens.length; id++) {
      String token = tokens[id];
      cuts += token.length();
      if (cuts > MAX_CUTS) {
        throw new TokenizerException("tokenizer.ggml.tokens holds too much text to make merges of");
      }
      if (Integer.valueOf(id).equals(ids.get(token))) {
        merges.addAll(cuts(token, scores[id], ids));
      }
    }
    merges.sort(
        Comparator.comparingDouble(Merge::score)
            .thenComparingInt(merge -> length(merge.left()))
            .thenComparingInt(merge -> length(merge.right()))
            .reversed());
    for (Merge merge : merges) {
      into.addArray().add(merge.left()).add(merge.right());
    }
  }

  private static List<Merge> cuts(String token, double score, Map<String, Integer> ids) {
    List<Merge> cuts = new ArrayList<>();
    for (int at = 1; at < token.length(); at++) {
      if (Character.isLowSurrogate(token.charAt(at))) {
        continue;
      }
      String left = token.substring(0, at);
      String right = token.substring(at);
      if (ids.containsKey(left) && ids.containsKey(right)) {
        cuts.add(new Merge(left, right, score));
      }
    }
    cuts.sort(
        Comparator.comparingInt((Merge merge) -> ids.getOrDefault(merge.left(), 0))
            .thenComparingInt(merge -> ids.getOrDefault(merge.right(), 0)));
    return cuts;
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
