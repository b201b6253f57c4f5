package dev.tributary.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.record.Evidence.Limit;
import dev.tributary.record.Evidence.Source;
import dev.tributary.record.Evidence.Span;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Also against `.ci/goldens/evidence.py`, which encodes and divides without this code.
class DivisionTest {
  private static final int ROUNDS = 2_000;
  private static final byte[] KEY = new byte[AdapterBuildRecord.KEY_BYTES];

  private static final int T = Evidence.SCORE_ONE / 4;

  private static Evidence evidence(int... tokens) {
    return new Evidence(
        T,
        IntStream.of(tokens).boxed().toList(),
        List.of("bob", "ada", "cid"),
        List.of(new Source(1, 0, 4 * T), new Source(2, 1, 2 * T), new Source(3, 2, T)),
        List.of(),
        Limit.NONE);
  }

  private static Evidence with(Evidence evidence, Span... spans) {
    return new Evidence(
        evidence.threshold(),
        evidence.tokens(),
        evidence.contributors(),
        evidence.sources(),
        List.of(spans),
        evidence.limit());
  }

  private static Evidence with(Evidence evidence, Limit limit) {
    return new Evidence(
        evidence.threshold(),
        evidence.tokens(),
        evidence.contributors(),
        evidence.sources(),
        evidence.spans(),
        limit);
  }

  private static Evidence with(Evidence evidence, List<Source> sources) {
    return new Evidence(
        evidence.threshold(),
        evidence.tokens(),
        evidence.contributors(),
        sources,
        evidence.spans(),
        evidence.limit());
  }

  private static Span span(int from, int to, boolean echo, Integer... sources) {
    return new Span(from, to, from, to, 1, List.of(sources), echo);
  }

  private static String text(Division division) {
    StringBuilder text = new StringBuilder();
    division.parts().forEach(part -> text.append(part.contributor() + " " + part.ppm() + ", "));
    return text + "base " + division.basePpm() + ", unattributed " + division.unattributedPpm();
  }

  @Test
  void divide_excesses3And1OverAThresholdOf1_threeFifthsOneFifthOneFifth() {
    assertThat(text(evidence(Evidence.TOKEN).divide()))
        .isEqualTo("bob 600000, ada 200000, base 0, unattributed 200000");
  }

  @Test
  void divide_halfATokensMass_halfIsTheBases() {
    assertThat(text(evidence(Evidence.TOKEN / 2).divide()))
        .isEqualTo("bob 300000, ada 100000, base 500000, unattributed 100000");
  }

  @Test
  void divide_noTokens_unattributed() {
    assertThat(text(evidence().divide())).isEqualTo("base 0, unattributed 1000000");
  }

  @Test
  void divide_biasedToken_itsMassIsUnattributed() {
    assertThat(text(evidence(Evidence.BIASED, 0, 0, 0).divide()))
        .isEqualTo("base 750000, unattributed 250000");
  }

  @ParameterizedTest
  @EnumSource(value = Limit.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void divide_limited_theBasesPartAloneIsTold(Limit limit) {
    assertThat(text(with(evidence(Evidence.TOKEN, 0), limit).divide()))
        .isEqualTo("base 500000, unattributed 500000");
  }

  @Test
  void divide_span_restrictsItsTokensToItsSources() {
    Evidence all = evidence(Evidence.TOKEN, Evidence.TOKEN);

    assertThat(text(with(all, span(0, 2, false, 1)).divide()))
        .isEqualTo("ada 500000, base 0, unattributed 500000");
    assertThat(text(with(all, span(0, 1, false, 1)).divide()))
        .isEqualTo("ada 350000, bob 300000, base 0, unattributed 350000");
  }

  @Test
  void divide_spansOverEachOther_theUnionOfTheirSources() {
    Evidence one = evidence(Evidence.TOKEN);
    Span first = new Span(0, 1, 0, 1, 1, List.of(0), false);
    Span second = new Span(0, 1, 0, 2, 1, List.of(0, 1), false);

    assertThat(with(one, first, second).divide()).isEqualTo(one.divide());
  }

  /// It only restricts: that the text stands there doesn't say that it caused the answer.
  @Test
  void divide_spanOfSourcesBelowTheThreshold_itsMassIsUnattributed() {
    assertThat(text(with(evidence(Evidence.TOKEN), span(0, 1, false, 2)).divide()))
        .isEqualTo("base 0, unattributed 1000000");
  }

  @Test
  void divide_echoOrSpanWithoutSources_asIfThereWereNone() {
    Evidence one = evidence(Evidence.TOKEN);

    assertThat(with(one, span(0, 1, true, 1)).divide()).isEqualTo(one.divide());
    assertThat(with(one, span(0, 1, false)).divide()).isEqualTo(one.divide());
  }

  @Test
  void divide_thresholdAndExcessesOfNothing_unattributed() {
    Evidence nothing =
        new Evidence(
            0,
            List.of(Evidence.TOKEN),
            List.of("ada"),
            List.of(new Source(0, 0, -5)),
            List.of(),
            Limit.NONE);

    assertThat(text(nothing.divide())).isEqualTo("base 0, unattributed 1000000");
  }

  /// By UTF-8 bytes, which is not the order of Java's strings.
  @Test
  void divide_equalRemainders_theNameWithTheSmallerBytesFirst() {
    Evidence thirds =
        new Evidence(
            0,
            List.of(Evidence.TOKEN),
            List.of("\ud83c\udf3e", "\uffee", "z"),
            List.of(new Source(0, 0, 1), new Source(1, 1, 1), new Source(2, 2, 1)),
            List.of(),
            Limit.NONE);

    assertThat(text(thirds.divide()))
        .isEqualTo("z 333334, \uffee 333333, \ud83c\udf3e 333333, base 0, unattributed 0");
  }

  static Iterable<JsonNode> goldens() throws IOException {
    try (InputStream in = DivisionTest.class.getResourceAsStream("evidence.json")) {
      return new ObjectMapper().readTree(Objects.requireNonNull(in));
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void divide_golden_theBytesAndSharesOfTheScript(JsonNode golden) {
    List<Span> spans =
        all(golden.get("spans")).stream()
            .map(
                node -> {
                  List<Integer> at = integers(node.get("positions"));
                  return new Span(
                      at.get(0),
                      at.get(1),
                      at.get(2),
                      at.get(3),
                      node.get("places").asInt(),
                      integers(node.get("sources")),
                      node.get("echo").asBoolean());
                })
            .toList();
    Evidence evidence =
        new Evidence(
            golden.get("threshold").asInt(),
            integers(golden.get("tokens")),
            all(golden.get("contributors")).stream().map(JsonNode::asText).toList(),
            all(golden.get("sources")).stream()
                .map(n -> new Source(n.get(0).asInt(), n.get(1).asInt(), n.get(2).asInt()))
                .toList(),
            spans,
            Limit.valueOf(golden.get("limit").asText()));

    assertThat(HexFormat.of().formatHex(evidence.encode()))
        .isEqualTo(golden.get("encoded").asText());
    assertThat(Evidence.decode(HexFormat.of().parseHex(golden.get("encoded").asText())))
        .isEqualTo(evidence);
    assertThat(evidence.divide())
        .isEqualTo(
            new Division(
                all(golden.get("parts")).stream()
                    .map(n -> new Division.Part(n.get(0).asText(), n.get(1).asInt()))
                    .toList(),
                golden.get("base").asInt(),
                golden.get("unattributed").asInt()));
  }

  private static List<JsonNode> all(JsonNode node) {
    return StreamSupport.stream(node.spliterator(), false).toList();
  }

  private static List<Integer> integers(JsonNode node) {
    return all(node).stream().map(JsonNode::asInt).toList();
  }

  /// The rule in fractions that round nothing: every part is within 1 ppm of its own.
  @Test
  void divide_anyEvidence_withinOnePpmOfExactFractions() {
    int credited = 0;
    for (int seed = 0; seed < ROUNDS; seed++) {
      Evidence evidence = new EvidenceSamples(seed).evidence();
      Division division = evidence.divide();
      Map<String, Fraction> exact = exact(evidence);
      Map<String, Integer> ppm = ppm(division);

      exact.forEach(
          (name, part) ->
              assertThat(part.ppm())
                  .as("%s of %s", name, evidence)
                  .isCloseTo(ppm.getOrDefault(name, 0), within(1.0)));
      assertThat(exact.keySet()).containsAll(ppm.keySet());
      credited += division.parts().size();
    }
    assertThat(credited).isGreaterThan(ROUNDS);
  }

  private static Map<String, Integer> ppm(Division division) {
    Map<String, Integer> ppm = new HashMap<>(Map.of("", division.basePpm()));
    ppm.put(" ", division.unattributedPpm());
    division.parts().forEach(part -> ppm.put(part.contributor(), part.ppm()));
    return ppm;
  }

  /// "" is the base, " " unattributed.
  private static Map<String, Fraction> exact(Evidence evidence) {
    Map<String, Fraction> parts = new HashMap<>();
    parts.put("", Fraction.ZERO);
    parts.put(" ", Fraction.ZERO);
    List<Integer> tokens = evidence.tokens();
    if (tokens.isEmpty()) {
      parts.put(" ", new Fraction(1, 1));
    }
    for (int at = 0; at < tokens.size(); at++) {
      Fraction whole = new Fraction(1, tokens.size());
      int mass = tokens.get(at);
      Fraction ours =
          mass == Evidence.BIASED ? whole : whole.times(new Fraction(mass, Evidence.TOKEN));
      parts.merge("", whole.minus(ours), Fraction::plus);
      Fraction left = ours;
      if (mass != Evidence.BIASED) {
        Set<Integer> candidates = candidates(evidence, at);
        long divisor = evidence.threshold();
        for (int source : candidates) {
          divisor += evidence.excess(evidence.sources().get(source));
        }
        for (int source : candidates) {
          long excess = evidence.excess(evidence.sources().get(source));
          if (excess > 0) {
            Fraction part = ours.times(new Fraction(excess, divisor));
            int of = evidence.sources().get(source).contributor();
            parts.merge(evidence.contributors().get(of), part, Fraction::plus);
            left = left.minus(part);
          }
        }
      }
      parts.merge(" ", left, Fraction::plus);
    }
    return parts;
  }

  private static Set<Integer> candidates(Evidence evidence, int token) {
    Set<Integer> candidates = new TreeSet<>();
    for (Span span : evidence.spans()) {
      if (span.fromToken() <= token && token < span.toToken() && !span.echo()) {
        candidates.addAll(span.sources());
      }
    }
    if (candidates.isEmpty()) {
      IntStream.range(0, evidence.sources().size()).forEach(candidates::add);
    }
    return candidates;
  }

  private record Fraction(BigInteger above, BigInteger below) {
    static final Fraction ZERO = new Fraction(0, 1);

    Fraction {
      BigInteger common = above.gcd(below).max(BigInteger.ONE);
      above = above.divide(common);
      below = below.divide(common);
    }

    Fraction(long above, long below) {
      this(BigInteger.valueOf(above), BigInteger.valueOf(below));
    }

    Fraction times(Fraction other) {
      return new Fraction(above.multiply(other.above), below.multiply(other.below));
    }

    Fraction plus(Fraction other) {
      return new Fraction(
          above.multiply(other.below).add(other.above.multiply(below)),
          below.multiply(other.below));
    }

    Fraction minus(Fraction other) {
      return plus(new Fraction(other.above.negate(), other.below));
    }

    double ppm() {
      BigInteger scaled = BigInteger.valueOf(Shares.WHOLE).shiftLeft(20).multiply(above);
      return scaled.divide(below).doubleValue() / (1 << 20);
    }
  }

  /// A sybil: some of a contributor's sources under another name.
  @Test
  void divide_contributorSplitInTwo_theSumAndTheOthersStay() {
    for (int seed = 0; seed < ROUNDS; seed++) {
      Evidence evidence = new EvidenceSamples(seed).evidence();
      Random random = new Random(seed);
      int split = random.nextInt(evidence.contributors().size());
      List<String> names = new ArrayList<>(evidence.contributors());
      names.add("another");
      Evidence after =
          new Evidence(
              evidence.threshold(),
              evidence.tokens(),
              names,
              evidence.sources().stream()
                  .map(
                      s ->
                          s.contributor() == split && random.nextBoolean()
                              ? new Source(s.cluster(), names.size() - 1, s.score())
                              : s)
                  .toList(),
              evidence.spans(),
              evidence.limit());
      Map<String, Integer> was = ppm(evidence.divide());
      Map<String, Integer> is = ppm(after.divide());
      is.merge(names.get(split), is.getOrDefault("another", 0), Integer::sum);
      is.remove("another");

      TreeSet<String> all = new TreeSet<>(was.keySet());
      all.addAll(is.keySet());
      for (String name : all) {
        assertThat(is.getOrDefault(name, 0))
            .as("%s, seed %d", name, seed)
            .isCloseTo(was.getOrDefault(name, 0), within(1));
      }
    }
  }

  /// Numbers of clusters, and so the order of sources, and the order of contributors mean nothing.
  @Test
  void divide_sourcesAndContributorsInAnotherOrder_theSame() {
    for (int seed = 0; seed < ROUNDS; seed++) {
      Evidence evidence = new EvidenceSamples(seed).evidence();
      int[] order = shuffled(evidence.sources().size(), seed);
      int[] people = shuffled(evidence.contributors().size(), -seed);
      String[] names = new String[people.length];
      Source[] sources = new Source[order.length];
      for (int i = 0; i < people.length; i++) {
        names[people[i]] = evidence.contributors().get(i);
      }
      for (int i = 0; i < order.length; i++) {
        Source source = evidence.sources().get(i);
        sources[order[i]] = new Source(order[i], people[source.contributor()], source.score());
      }
      List<Span> spans =
          evidence.spans().stream()
              .map(
                  s ->
                      new Span(
                          s.fromToken(),
                          s.toToken(),
                          s.start(),
                          s.end(),
                          s.places() + 1,
                          s.sources().stream().map(i -> order[i]).sorted().toList(),
                          s.echo()))
              .toList();

      assertThat(
              new Evidence(
                      evidence.threshold(),
                      evidence.tokens(),
                      List.of(names),
                      List.of(sources),
                      spans,
                      evidence.limit())
                  .divide())
          .isEqualTo(evidence.divide());
    }
  }

  private static int[] shuffled(int count, int seed) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, count).boxed().toList());
    Collections.shuffle(order, new Random(seed));
    return order.stream().mapToInt(i -> i).toArray();
  }

  @Test
  void divide_aHigherScore_noLessForItsContributorAndNoMoreForOthers() {
    int gains = 0;
    for (int seed = 0; seed < ROUNDS; seed++) {
      Evidence evidence = new EvidenceSamples(seed).evidence();
      if (evidence.sources().isEmpty()) {
        continue;
      }
      Random random = new Random(seed);
      List<Source> sources = new ArrayList<>(evidence.sources());
      int raised = random.nextInt(sources.size());
      Source was = sources.get(raised);
      sources.set(
          raised,
          new Source(was.cluster(), was.contributor(), was.score() + random.nextInt(1 << 19)));
      Map<String, Integer> before = ppm(evidence.divide());
      Map<String, Integer> after = ppm(with(evidence, sources).divide());
      String name = evidence.contributors().get(was.contributor());

      // Rounding alone can move every part by 1.
      assertThat(after.getOrDefault(name, 0))
          .isGreaterThanOrEqualTo(before.getOrDefault(name, 0) - 1);
      before.forEach(
          (other, part) -> {
            if (!other.equals(name)) {
              assertThat(after.getOrDefault(other, 0)).as(other).isLessThanOrEqualTo(part + 1);
            }
          });
      gains += after.getOrDefault(name, 0) > before.getOrDefault(name, 0) ? 1 : 0;
    }
    assertThat(gains).isGreaterThan(ROUNDS / 4);
  }

  @Test
  void construct_partsThatAreNotWhole_refused() {
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> new Division(List.of(new Division.Part("ada", 2)), 999_999, 0))
        .withMessage("parts sum to 1000001, not to 1000000");
  }

  @Test
  void recordOf_evidence_sharesNamesAndSpansThatFollow() {
    Evidence evidence =
        with(
            evidence(Evidence.TOKEN, Evidence.TOKEN, 0),
            span(0, 1, false, 0, 1),
            span(0, 2, true, 0),
            span(1, 2, false, 2),
            span(2, 3, false));
    AttributionRecord record = AttributionRecord.of(4, 12, "m", evidence, KEY);

    assertThat(record.contributors()).containsExactly("bob", "ada", "cid");
    assertThat(record.open().shares()).isEqualTo(evidence.divide().shares(KEY));
    assertThat(record.spans())
        .as("who stands in a span is named there, with a share or without")
        .containsExactly(
            new AttributionRecord.Span(0, 1, List.of(0, 1)),
            new AttributionRecord.Span(1, 2, List.of(2)));
    assertThat(record.follows()).isTrue();
    assertThat(AttributionRecord.of(record.seal(Samples.seeded(1)))).isEqualTo(record);
    assertThat(Evidence.decode(record.evidence())).isEqualTo(evidence);
  }

  @Test
  void recordFollows_anythingElseThanTheEvidenceSays_not() {
    Evidence evidence = with(evidence(Evidence.TOKEN), span(0, 1, false, 0));
    AttributionRecord right = AttributionRecord.of(4, 12, "m", evidence, KEY);
    Shares shares = right.open().shares();
    Shares moved = new Shares(shares.shares(), 1, shares.unattributedPpm() - 1);
    AttributionRecord.Open open = new AttributionRecord.Open(4, 12, "m", moved);

    assertThat(
            new AttributionRecord(open, right.contributors(), right.spans(), right.evidence())
                .follows())
        .isFalse();
    assertThat(
            new AttributionRecord(right.open(), List.of("eve"), right.spans(), right.evidence())
                .follows())
        .isFalse();
    assertThat(
            new AttributionRecord(right.open(), right.contributors(), List.of(), right.evidence())
                .follows())
        .isFalse();
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(
            () ->
                new AttributionRecord(
                        right.open(), right.contributors(), right.spans(), new byte[0])
                    .follows());
  }
}
