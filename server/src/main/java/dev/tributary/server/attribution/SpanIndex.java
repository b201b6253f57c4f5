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

  /// Suffixes `[low, high)` that begin with `depth` tokens of the answer.
  private record Range(int low, int high, int depth) {}

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
    List<Span> found = new ArrayList<>();
    int kept = 0;
    for (Range match : maximal(answer)) {
      int from = match.low;
      int to = match.high;
      while (from < to && !startsWord.test(from)) {
        from++;
      }
      while (from < to && to < answer.length && !startsWord.test(to)) {
        to--;
      }
      // What was cut away may leave a match within another one.
      if (from < to && to > kept) {
        found.add(span(answer, from, to));
        kept = to;
      }
    }
    int most = (int) Math.ceil(KEPT * answer.length);
    return found.stream()
        .sorted(Comparator.comparingDouble(span -> chance(answer, span)))
        .limit(most)
        .sorted(Comparator.comparingInt(Span::from))
        .toList();
  }

  /// Matches `[low, high)` of the answer that can't be made longer on either side.
  private List<Range> maximal(int[] answer) {
    List<Range> found = new ArrayList<>();
    int end = 0;
    for (int from = 0; from < answer.length; from++) {
      int to = from + longest(answer, from, answer.length).depth;
      if (to > end) {
        found.add(new Range(from, to, to - from));
        end = to;
      }
    }
    return found;
  }

  private Span span(int[] answer, int from, int to) {
    Range range = longest(answer, from, to);
    TreeSet<Integer> whose = new TreeSet<>();
    int looked = Math.min(range.high - range.low, MOST_PLACES);
    for (int i = 0; i < looked && whose.size() < MOST_OWNERS; i++) {
      whose.add(at(owners + text(at(order + range.low + i))));
    }
    return new Span(from, to, range.high - range.low, List.copyOf(whose));
  }

  /// Natural log of the probability of the span's tokens, each by how often it is in the texts.
  private double chance(int[] answer, Span span) {
    double log = 0;
    for (int i = span.from; i < span.to; i++) {
      long symbol = buckets + answer[i] + 1;
      log += Math.log((at(symbol + 1) - at(symbol)) / (double) length);
    }
    return log;
  }

  /// The longest stretch of `answer[from, to)` from its beginning that stands in a text.
  private Range longest(int[] answer, int from, int to) {
    Range range = new Range(0, length, 0);
    while (from + range.depth < to) {
      Range longer = longer(range, answer[from + range.depth]);
      if (longer.low == longer.high) {
        break;
      }
      range = longer;
    }
    return range;
  }

  private Range longer(Range range, int token) {
    if (token < 0 || token >= vocabulary) {
      return new Range(0, 0, 0);
    }
    int symbol = token + 1;
    if (range.depth == 0) {
      return new Range(at(buckets + symbol), at(buckets + symbol + 1), 1);
    }
    int low = bound(range.low, range.high, range.depth, symbol);
    return new Range(low, bound(low, range.high, range.depth, symbol + 1), range.depth + 1);
  }

  /// The first suffix of `[low, high)` whose symbol at `depth` is not below `symbol`.
  private int bound(int low, int high, int depth, int symbol) {
    int from = low;
    int to = high;
    while (from < to) {
      int middle = (from + to) >>> 1;
      // A text's last symbol is 0, below every token, so no match reaches beyond it.
      if (at(symbols + at(order + middle) + depth) < symbol) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
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
