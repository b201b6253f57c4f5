package dev.tributary.server.attribution;

import dev.tributary.server.tensor.Bytes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.IntPredicate;

/// Where the words of an answer stand in the training data: texts of tokens with their suffixes
/// sorted, mapped from a file (Liu et al. 2025, "OLMoTrace").
///
/// A file is, in ints of the lowest byte first: magic, format, vocabulary, length, texts, 0; the
/// symbols `[length]`, which are tokens and one, with a 0 behind each text; where their suffixes
/// begin in order `[length]`; where each symbol's suffixes begin in that order `[vocabulary + 2]`;
/// where each text begins `[texts]` and whose it is `[texts]`. Thread safe.
public final class SpanIndex {
  /// "TSPN".
  static final int MAGIC = 0x4e50_5354;

  static final int FORMAT = 1;

  /// Owners that a span names at most; one that more have says nothing of anybody.
  public static final int MOST_OWNERS = 64;

  /// Places of a span that are looked at at most.
  private static final int MOST_PLACES = 4_096;

  private static final int HEADER = 6;

  /// Part of an answer's spans that is kept, the rarest.
  private static final double KEPT = 0.05;

  private final Bytes file;
  private final int vocabulary;
  private final int length;
  private final int texts;
  private final long symbols;
  private final long order;
  private final long buckets;
  private final long starts;
  private final long owners;

  /// Tokens of an answer that stand in the training data in this order.
  ///
  /// @param from first token of the answer
  /// @param to behind the last
  /// @param places how often it stands there
  /// @param owners whose texts have it, sorted; the first [#MOST_OWNERS]
  public record Span(int from, int to, int places, List<Integer> owners) {
    public Span {
      owners = List.copyOf(owners);
    }
  }

  /// Tokens `[from, to)` of an answer.
  private record Match(int from, int to) {}

  private SpanIndex(Bytes file) {
    this.file = file;
    vocabulary = file.getInt(8);
    length = file.getInt(12);
    texts = file.getInt(16);
    symbols = HEADER;
    order = symbols + length;
    buckets = order + length;
    starts = buckets + vocabulary + 2;
    owners = starts + texts;
  }

  /// Maps an index.
  ///
  /// @throws IOException if the file is none
  public static SpanIndex open(Path path) throws IOException {
    Bytes file = Bytes.map(path);
    if (file.size() < 4L * HEADER || file.getInt(0) != MAGIC || file.getInt(4) != FORMAT) {
      throw new IOException(path + " is no index of spans");
    }
    SpanIndex index = new SpanIndex(file);
    if (index.vocabulary < 1
        || index.length < 0
        || index.texts < 0
        || file.size() != 4 * (index.owners + index.texts)) {
      throw new IOException(path + " is an index of spans of another length");
    }
    return index;
  }

  /// Tokens of all texts.
  public int tokens() {
    return length - texts;
  }

  /// The rarest of the maximal verbatim matches of an answer: cut to whole words, then as many as a
  /// twentieth of the answer's tokens, those with the least probability if tokens came by chance.
  ///
  /// @param answer tokens
  /// @param startsWord whether a word begins at a place of the answer; asked from 0 to its length
  /// @return in the order of the answer
  public List<Span> spans(int[] answer, IntPredicate startsWord) {
    List<Match> found = new ArrayList<>();
    int kept = 0;
    for (Match match : maximal(answer)) {
      int from = match.from;
      int to = match.to;
      while (from < to && !startsWord.test(from)) {
        from++;
      }
      while (from < to && to < answer.length && !startsWord.test(to)) {
        to--;
      }
      // What was cut away may leave a match within another one.
      if (from < to && to > kept) {
        found.add(new Match(from, to));
        kept = to;
      }
    }
    int most = (int) Math.ceil(KEPT * answer.length);
    return found.stream()
        .sorted(Comparator.comparingDouble(match -> chance(answer, match)))
        .limit(most)
        .sorted(Comparator.comparingInt(Match::from))
        .map(match -> span(answer, match))
        .toList();
  }

  /// Matches that can't be made longer on either side.
  private List<Match> maximal(int[] answer) {
    List<Match> found = new ArrayList<>();
    for (int from = 0; from < answer.length; ) {
      int to = from + longest(answer, from, answer.length);
      if (to == from) {
        from++;
        continue;
      }
      found.add(new Match(from, to));
      if (to == answer.length) {
        break;
      }
      // The next one has the token at `to`. If it can begin somewhere it can begin anywhere behind.
      int low = from + 1;
      int high = to;
      while (low < high) {
        int middle = (low + high) >>> 1;
        if (longest(answer, middle, to + 1) == to + 1 - middle) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      from = low;
    }
    return found;
  }

  private Span span(int[] answer, Match match) {
    int low = bound(answer, match, false);
    int high = bound(answer, match, true);
    TreeSet<Integer> whose = new TreeSet<>();
    int looked = Math.min(high - low, MOST_PLACES);
    for (int i = 0; i < looked && whose.size() < MOST_OWNERS; i++) {
      whose.add(at(owners + text(at(order + low + i))));
    }
    return new Span(match.from, match.to, high - low, List.copyOf(whose));
  }

  /// Natural log of the probability of the match's tokens, each by how often it is in the texts.
  private double chance(int[] answer, Match match) {
    double log = 0;
    for (int i = match.from; i < match.to; i++) {
      long symbol = buckets + symbol(answer[i]);
      log += Math.log((at(symbol + 1) - at(symbol)) / (double) length);
    }
    return log;
  }

  /// How many tokens of `answer[from, to)` from its beginning on stand in a text.
  ///
  /// One binary search for where they would be among the suffixes: those beside that place have
  /// most in common with them, and all between two suffixes have what both have (Manber and Myers
  /// 1993, "Suffix Arrays").
  private int longest(int[] answer, int from, int to) {
    int first = symbol(answer[from]);
    if (first > vocabulary) {
      return 0;
    }
    int low = at(buckets + first);
    int high = at(buckets + first + 1);
    int longest = low < high ? 1 : 0;
    int commonLow = 1;
    int commonHigh = 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      long place = symbols + at(order + middle);
      int common = Math.min(commonLow, commonHigh);
      while (from + common < to && at(place + common) == symbol(answer[from + common])) {
        common++;
      }
      longest = Math.max(longest, common);
      if (from + common == to) {
        return longest;
      }
      // A text's last symbol is 0, below every token, so no match reaches beyond it.
      if (at(place + common) < symbol(answer[from + common])) {
        low = middle + 1;
        commonLow = common;
      } else {
        high = middle;
        commonHigh = common;
      }
    }
    return longest;
  }

  /// The first suffix that begins with the match's tokens, or the first behind all those.
  private int bound(int[] answer, Match match, boolean behind) {
    int first = symbol(answer[match.from]);
    int low = at(buckets + first);
    int high = at(buckets + first + 1);
    while (low < high) {
      int middle = (low + high) >>> 1;
      long place = symbols + at(order + middle) - match.from;
      int i = match.from + 1;
      while (i < match.to && at(place + i) == symbol(answer[i])) {
        i++;
      }
      if (i < match.to ? at(place + i) < symbol(answer[i]) : behind) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /// Of a token, from 1; above all of the texts' for one that is outside the vocabulary.
  private int symbol(int token) {
    return token < 0 || token >= vocabulary ? vocabulary + 1 : token + 1;
  }

  /// The text that a place is in.
  private int text(int place) {
    int from = 0;
    int to = texts;
    while (to - from > 1) {
      int middle = (from + to) >>> 1;
      if (at(starts + middle) <= place) {
        from = middle;
      } else {
        to = middle;
      }
    }
    return from;
  }

  private int at(long place) {
    return file.getInt(4 * place);
  }
}
