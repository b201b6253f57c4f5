package dev.tributary.record;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;

/// What the shares of one generation follow from: integers alone, so that [#divide] gives the same
/// shares, to the bit, on any machine. It is the `evidence` of an [AttributionRecord], as [#encode]
/// writes it.
///
/// The rule, with M tokens of 65,536 units of mass each:
///
/// - A token's `a` units are the contributors' side, its 65,536 - a the base's. All of a token that
///   is [#BIASED] is unattributed. Without tokens everything is unattributed.
/// - A source's excess is e = max(0, score - threshold).
/// - A token's candidates are the sources of all spans around it that are no echo; where these have
///   none, or where there is no such span, all sources.
/// - Tokens with the same candidates are one group. Of its mass m, contributor c gets m * (sum of
///   its candidates' e) / (threshold + sum of all candidates' e), and what is left is unattributed;
///   with a divisor of 0 that is all. So a span only restricts who may be credited, and each source
///   counts once however often its text occurs.
/// - If [#limit] isn't NONE, the contributors' side is unattributed.
///
/// A contributor's part of a group is rounded down to a multiple of 2^-64 units; what that leaves
/// is unattributed. [Division] says how the sums become parts per million.
///
/// @param threshold t of the adapter's build, round(t * 2^20), at least 0
/// @param tokens of each output token round(a * 2^16), a from 0 to 1, or [#BIASED]; none if they
///   were not scored
/// @param contributors names, each once; not all need to have a share
/// @param sources ascending by cluster
/// @param spans ascending by [Span#fromToken], then by the other positions
/// @param limit why contributors' mass can't be told
public record Evidence(
    int threshold,
    List<Integer> tokens,
    List<String> contributors,
    List<Source> sources,
    List<Span> spans,
    Limit limit) {
  /// Mass of a token.
  public static final int TOKEN = 1 << 16;

  /// One in `threshold` and scores.
  public static final int SCORE_ONE = 1 << 20;

  /// In place of a token's mass: logit_bias changed what was drawn, so neither base nor adapter
  /// did.
  public static final int BIASED = -1;

  public static final int MAX_TOKENS = 1 << 17;
  public static final int MAX_CONTRIBUTORS = 1 << 14;
  public static final int MAX_SOURCES = 1 << 16;
  public static final int MAX_SPANS = 1 << 13;

  /// Of all spans together.
  public static final int MAX_SPAN_SOURCES = 1 << 18;

  private static final int VERSION = 1;

  private static final Comparator<Span> BY_POSITION =
      Comparator.comparingInt(Span::fromToken)
          .thenComparingInt(Span::toToken)
          .thenComparingInt(Span::start)
          .thenComparingInt(Span::end);

  /// Why the contributors' side of an answer's mass could not be told.
  public enum Limit {
    /// It could.
    NONE,
    /// Prompt and answer are longer than what is scored.
    TOO_LONG,
    /// Too many answers were waiting.
    BACKLOG,
    /// The method has no influence scores for this adapter.
    NO_INFLUENCE,
    /// More than one adapter had a part in the answer.
    SEVERAL_ADAPTERS,
    /// The answer has no tokens.
    EMPTY
  }

  /// A cluster of training examples of one contributor that was scored.
  ///
  /// @param cluster its number in the version's attribution index
  /// @param contributor index into [Evidence#contributors]
  /// @param score influence on this answer, round(s * 2^20)
  public record Source(int cluster, int contributor, int score) {
    public Source {
      RecordException.require(cluster >= 0, "cluster " + cluster + " of a source");
    }

    void encode(Encoder out) {
      out.u32(cluster).u32(contributor).i32(score);
    }

    static Source decode(Decoder in) {
      return new Source(in.u31(), in.u31(), in.i32());
    }
  }

  /// A part of the answer that stands in the training data word for word.
  ///
  /// @param fromToken first output token
  /// @param toToken first one after it
  /// @param start in UTF-8 bytes of the answer's text
  /// @param end in UTF-8 bytes, exclusive
  /// @param places how often it occurs in the training data, from 1
  /// @param sources whose examples have it, ascending indices into [Evidence#sources]; none if none
  ///   of them was scored
  /// @param echo copied from the prompt, so that it restricts nothing
  public record Span(
      int fromToken,
      int toToken,
      int start,
      int end,
      int places,
      List<Integer> sources,
      boolean echo) {
    public Span {
      sources = List.copyOf(sources);
      RecordException.require(
          fromToken >= 0 && fromToken < toToken,
          "a span from token " + fromToken + " to " + toToken);
      RecordException.require(start >= 0 && start < end, "a span from " + start + " to " + end);
      RecordException.require(places >= 1, "a span that occurs " + places + " times");
      RecordException.require(ascending(sources), "sources of a span are not in order");
    }

    void encode(Encoder out) {
      out.u32(fromToken)
          .u32(toToken)
          .u32(start)
          .u32(end)
          .u32(places)
          .list(sources, (to, index) -> to.u32(index))
          .flag(echo);
    }

    static Span decode(Decoder in) {
      return new Span(
          in.u31(), in.u31(), in.u31(), in.u31(), in.u31(), in.list(Decoder::u31), in.flag());
    }
  }

  public Evidence {
    tokens = bounded("tokens", tokens, MAX_TOKENS);
    contributors = bounded("contributors", contributors, MAX_CONTRIBUTORS);
    sources = bounded("sources", sources, MAX_SOURCES);
    spans = bounded("spans", spans, MAX_SPANS);
    RecordException.require(threshold >= 0, "a threshold of " + threshold);
    for (int mass : tokens) {
      RecordException.require(mass >= BIASED && mass <= TOKEN, "a token's mass of " + mass);
    }
    RecordException.require(
        contributors.stream().noneMatch(String::isEmpty)
            && new HashSet<>(contributors).size() == contributors.size(),
        "contributors have no name, or the same");
    RecordException.require(
        ascending(sources.stream().map(Source::cluster).toList()), "sources are not in order");
    int names = contributors.size();
    RecordException.require(
        indices(sources.stream().map(Source::contributor), names), "a source is of no contributor");
    checkSpans(tokens.size(), sources.size(), spans);
  }

  private static void checkSpans(int tokens, int sources, List<Span> spans) {
    long links = 0;
    for (int i = 0; i < spans.size(); i++) {
      Span span = spans.get(i);
      RecordException.require(
          i == 0 || BY_POSITION.compare(spans.get(i - 1), span) < 0, "spans are not in order");
      RecordException.require(
          span.toToken() <= (tokens == 0 ? MAX_TOKENS : tokens), "a span ends after the answer");
      RecordException.require(
          indices(span.sources().stream(), sources), "a span is of no source that is listed");
      links += span.sources().size();
    }
    RecordException.require(
        links <= MAX_SPAN_SOURCES, links + " sources of spans are more than " + MAX_SPAN_SOURCES);
  }

  private static <T> List<T> bounded(String what, List<T> values, int most) {
    RecordException.require(
        values.size() <= most, values.size() + " " + what + " are more than " + most);
    return List.copyOf(values);
  }

  private static boolean indices(Stream<Integer> values, int below) {
    return values.allMatch(value -> value >= 0 && value < below);
  }

  private static boolean ascending(List<Integer> values) {
    for (int i = 1; i < values.size(); i++) {
      if (values.get(i - 1) >= values.get(i)) {
        return false;
      }
    }
    return true;
  }

  /// Who is credited with what.
  public Division divide() {
    return Division.of(this);
  }

  /// How far a source is above the threshold, at least 0.
  public long excess(Source source) {
    return Math.max(0, (long) source.score() - threshold);
  }

  public byte[] encode() {
    return Encoder.encode(
        out ->
            out.u8(VERSION)
                .choice(limit)
                .u32(threshold)
                .list(tokens, Evidence::encodeToken)
                .list(contributors, Encoder::text)
                .list(sources, (to, source) -> source.encode(to))
                .list(spans, (to, span) -> span.encode(to)));
  }

  /// @throws RecordException unless [#encode] wrote these bytes
  public static Evidence decode(byte[] bytes) {
    return Decoder.decode("evidence", bytes, Evidence::decode);
  }

  private static Evidence decode(Decoder in) {
    int version = in.u8();
    in.check(version == VERSION, "version " + version + " is not known");
    Limit limit = in.choice(Limit.class);
    return new Evidence(
        in.u31(),
        in.list(Evidence::decodeToken),
        in.list(Decoder::text),
        in.list(Source::decode),
        in.list(Span::decode),
        limit);
  }

  /// Most tokens are all the base's or, at temperature 0, all the adapter's: one byte then.
  private static void encodeToken(Encoder out, int mass) {
    switch (mass) {
      case 0 -> out.u8(0);
      case TOKEN -> out.u8(1);
      case BIASED -> out.u8(2);
      default -> out.u8(3).u16(mass);
    }
  }

  private static int decodeToken(Decoder in) {
    int form = in.u8();
    return switch (form) {
      case 0 -> 0;
      case 1 -> TOKEN;
      case 2 -> BIASED;
      case 3 -> {
        int mass = in.u16();
        in.check(mass != 0, "a token's mass of 0 is written long");
        yield mass;
      }
      default -> {
        in.check(false, "a token's mass has no form " + form);
        yield BIASED;
      }
    };
  }
}
