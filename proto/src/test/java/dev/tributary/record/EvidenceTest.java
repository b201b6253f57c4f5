package dev.tributary.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tributary.record.Evidence.Limit;
import dev.tributary.record.Evidence.Source;
import dev.tributary.record.Evidence.Span;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EvidenceTest {
  private static final List<String> NAMES = List.of("ada", "bob");
  private static final List<Source> SOURCES = List.of(new Source(3, 1, 9), new Source(7, 0, -9));

  private static Evidence with(List<Integer> tokens, List<Source> sources, List<Span> spans) {
    return new Evidence(5, tokens, NAMES, sources, spans, Limit.NONE);
  }

  private static Span span(int from, int to, Integer... sources) {
    return new Span(from, to, from, to, 1, List.of(sources), false);
  }

  @Test
  void decode_encoded_theSame() {
    for (int seed = 0; seed < 500; seed++) {
      Evidence evidence = new EvidenceSamples(seed).any();

      assertThat(Evidence.decode(evidence.encode())).isEqualTo(evidence);
    }
  }

  /// One token of each form, so that nobody makes it longer unseen.
  @Test
  void encode_tokens_oneByteForTheUsualOnes() {
    int empty = with(List.of(), SOURCES, List.of()).encode().length;

    assertThat(with(List.of(0), SOURCES, List.of()).encode()).hasSize(empty + 1);
    assertThat(with(List.of(Evidence.TOKEN), SOURCES, List.of()).encode()).hasSize(empty + 1);
    assertThat(with(List.of(Evidence.BIASED), SOURCES, List.of()).encode()).hasSize(empty + 1);
    assertThat(with(List.of(1), SOURCES, List.of()).encode()).hasSize(empty + 3);
  }

  @Test
  void decode_cutOrLonger_refused() {
    byte[] bytes = new EvidenceSamples(1).any().encode();
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatExceptionOfType(RecordException.class).isThrownBy(() -> Evidence.decode(cut));
    }
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> Evidence.decode(Arrays.copyOf(bytes, bytes.length + 1)));
  }

  @Test
  void decode_mutated_refusedOrItsOnlyForm() {
    Random random = new Random(2);
    int taken = 0;
    int refused = 0;
    for (int seed = 0; seed < 20_000; seed++) {
      byte[] bytes = RecordTest.mutated(new EvidenceSamples(seed % 50).any().encode(), random);
      try {
        Evidence evidence = Evidence.decode(bytes);
        assertThat(evidence.encode()).isEqualTo(bytes);
        evidence.divide();
        taken++;
      } catch (RecordException e) {
        refused++;
      }
    }
    assertThat(taken).isGreaterThan(1_000);
    assertThat(refused).isGreaterThan(1_000);
  }

  @Test
  void decode_formsThatNoneIsWrittenIn_refusedByName() {
    byte[] bytes = with(List.of(258), SOURCES, List.of()).encode();
    int token = 10;
    assertThat(bytes[token]).isEqualTo((byte) 3);

    refused(changed(bytes, 0, 2), "version 2 is not known");
    refused(changed(bytes, 1, 7), "no Limit has code 7");
    refused(changed(bytes, 2, 0x80), "is too large");
    refused(changed(bytes, token, 4), "a token's mass has no form 4");
    refused(changed(changed(bytes, token + 1, 0), token + 2, 0), "is written long");
  }

  private static void refused(byte[] bytes, String message) {
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> Evidence.decode(bytes))
        .withMessageContaining(message);
  }

  private static byte[] changed(byte[] bytes, int at, int value) {
    byte[] changed = bytes.clone();
    changed[at] = (byte) value;
    return changed;
  }

  static List<Runnable> notEvidence() {
    List<Integer> tokens = List.of(1, 2, 3);
    return List.of(
        () -> new Evidence(-1, tokens, NAMES, SOURCES, List.of(), Limit.NONE),
        () -> with(List.of(Evidence.TOKEN + 1), SOURCES, List.of()),
        () -> with(List.of(-2), SOURCES, List.of()),
        () -> new Evidence(5, tokens, List.of("ada", "ada"), List.of(), List.of(), Limit.NONE),
        () -> new Evidence(5, tokens, List.of("ada", ""), List.of(), List.of(), Limit.NONE),
        () -> with(tokens, List.of(new Source(7, 0, 1), new Source(3, 0, 1)), List.of()),
        () -> with(tokens, List.of(new Source(3, 0, 1), new Source(3, 1, 1)), List.of()),
        () -> with(tokens, List.of(new Source(3, 2, 1)), List.of()),
        () -> with(tokens, List.of(new Source(3, -1, 1)), List.of()),
        () -> new Source(-1, 0, 1),
        () -> with(tokens, SOURCES, List.of(span(0, 4))),
        () -> with(tokens, SOURCES, List.of(span(0, 1, 2))),
        () -> with(tokens, SOURCES, List.of(span(0, 1, -1))),
        () -> with(tokens, SOURCES, List.of(span(1, 2), span(0, 1))),
        () -> with(tokens, SOURCES, List.of(span(0, 1), span(0, 1))),
        () -> span(0, 1, 1, 0),
        () -> span(0, 1, 1, 1),
        () -> span(1, 1),
        () -> new Span(-1, 1, 0, 1, 1, List.of(), false),
        () -> new Span(0, 1, 1, 1, 1, List.of(), false),
        () -> new Span(0, 1, -1, 1, 1, List.of(), false),
        () -> new Span(0, 1, 0, 1, 0, List.of(), false),
        () -> with(List.of(), List.of(), List.of(span(0, Evidence.MAX_TOKENS + 1))),
        () -> with(Collections.nCopies(Evidence.MAX_TOKENS + 1, 0), SOURCES, List.of()),
        () -> with(tokens, sources(Evidence.MAX_SOURCES + 1), List.of()),
        () -> with(tokens, SOURCES, spans(Evidence.MAX_SPANS + 1)),
        () -> with(tokens, sources(Evidence.MAX_SOURCES), fullSpans(5)),
        () -> new Evidence(5, tokens, names(), List.of(), List.of(), Limit.NONE));
  }

  @ParameterizedTest
  @MethodSource
  void notEvidence(Runnable values) {
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(values::run)
        .withMessageMatching(".{10,}");
  }

  /// The largest of everything is taken, and divided.
  @Test
  void divide_asLargeAsCanBe_whole() {
    Evidence evidence =
        new Evidence(
            0,
            Collections.nCopies(Evidence.MAX_TOKENS, Evidence.TOKEN),
            names().subList(0, Evidence.MAX_CONTRIBUTORS),
            IntStream.range(0, Evidence.MAX_SOURCES)
                .mapToObj(i -> new Source(i, i % Evidence.MAX_CONTRIBUTORS, Integer.MAX_VALUE))
                .toList(),
            fullSpans(4),
            Limit.NONE);

    Division division = evidence.divide();

    assertThat(Evidence.decode(evidence.encode())).isEqualTo(evidence);
    assertThat(division.parts()).hasSize(Evidence.MAX_CONTRIBUTORS);
    assertThat(division.basePpm()).isZero();
    assertThat(division.unattributedPpm()).isZero();
  }

  private static List<String> names() {
    return IntStream.rangeClosed(0, Evidence.MAX_CONTRIBUTORS).mapToObj(i -> "c" + i).toList();
  }

  private static List<Source> sources(int count) {
    return IntStream.range(0, count).mapToObj(i -> new Source(i, 0, i)).toList();
  }

  private static List<Span> spans(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> new Span(0, 1, i, i + 1, 1, List.of(), false))
        .toList();
  }

  private static List<Span> fullSpans(int count) {
    List<Integer> all = IntStream.range(0, Evidence.MAX_SOURCES).boxed().toList();
    return IntStream.range(0, count)
        .mapToObj(i -> new Span(0, 1, i, i + 1, 1, all, false))
        .toList();
  }
}
