package dev.tributary.server.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.train.ExampleTokens.Encoded;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ContributionReaderTest {
  /// A token for each character, the prompt's first.
  private static final ExampleTokens CHARACTERS =
      (messages, limit) -> {
        int[] tokens = messages.stream().flatMapToInt(each -> each.content().chars()).toArray();
        if (tokens.length > limit) {
          throw new ExampleTokens.TooLong(tokens.length);
        }
        return new Encoded(tokens, tokens.length - messages.getLast().content().length());
      };

  private static final DataLimits LIMITS = new DataLimits(2_000, 50, 3_000, 100);

  private static final String GOOD =
      """
      {"contributor":"a","messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}]}
      """;

  private static Dataset read(String file) throws IOException {
    return read(file.getBytes(UTF_8));
  }

  private static Dataset read(byte[] file) throws IOException {
    return ContributionReader.read(
        new ByteArrayInputStream(file), CHARACTERS, LIMITS, ContributionReader.Exclusion.NONE);
  }

  private static String line(String contributor, String question, String answer) {
    return "{\"contributor\":\"%s\",\"prompt\":\"%s\",\"completion\":\"%s\"}\n"
        .formatted(contributor, question, answer);
  }

  @Test
  void read_bothForms_giveTheSameExample() throws IOException {
    Dataset chat = read(GOOD);
    Dataset pair = read(line("a", "Q", "A"));
    Example example = chat.examples().getFirst();
    assertThat(example.tokens()).containsExactly('Q', 'A');
    assertThat(example.targetsFrom()).isEqualTo(1);
    assertThat(pair.examples().getFirst().digest()).isEqualTo(example.digest());
    assertThat(pair.examples().getFirst().tokens()).isEqualTo(example.tokens());
  }

  @Test
  void read_everyLine_isCounted() throws IOException {
    String file =
        line("a", "q1", "x")
            + "\n   \r\n"
            + line("b", "q1", "x") // the same text, somebody else's
            + line("a", "q1", "x") // a repeat
            + line("b", "q2", "xyz").stripTrailing()
            + "\r\n"
            + line("c", "q3", "x") // withdrawn
            + line("a", "q1", "x").stripTrailing(); // a repeat, without a line's end
    Dataset data =
        ContributionReader.read(
            new ByteArrayInputStream(file.getBytes(UTF_8)),
            CHARACTERS,
            LIMITS,
            (contributor, digest) -> contributor.equals("c"));
    DataReport report = data.report();
    assertThat(report.lines()).isEqualTo(8);
    assertThat(report.blank()).isEqualTo(2);
    assertThat(report.duplicates()).isEqualTo(2);
    assertThat(report.excluded()).isEqualTo(1);
    assertThat(report.examples()).isEqualTo(3);
    assertThat(report.shared()).isEqualTo(1);
    assertThat(report.contributors()).containsEntry("a", 1).containsEntry("b", 2).hasSize(2);
    assertThat(report.tokens()).isEqualTo(3 + 3 + 5);
    assertThat(report.targets()).isEqualTo(1 + 1 + 3);
    assertThat(report.longest()).isEqualTo(5);
    assertThat(data.examples()).extracting(Example::line).containsExactly(1L, 4L, 6L);
  }

  static Stream<Arguments> malformed() {
    String q = "{\"role\":\"user\",\"content\":\"Q\"}";
    String a = "{\"role\":\"assistant\",\"content\":\"A\"}";
    String chat = "{\"contributor\":\"a\",\"messages\":[%s]}";
    return Stream.of(
        Arguments.of("{", LineProblem.NotJson.class, "line 2: is not strict JSON"),
        Arguments.of(GOOD.strip() + "x", LineProblem.NotJson.class, "line 2: is not strict JSON"),
        Arguments.of(
            "{\"contributor\":\"a\",\"contributor\":\"b\",\"messages\":[]}",
            LineProblem.NotJson.class,
            "Duplicate field"),
        Arguments.of("[]", LineProblem.WrongForm.class, "line 2: is not a JSON object"),
        Arguments.of("{\"messages\":[]}", LineProblem.NoContributor.class, "names no contributor"),
        Arguments.of(
            "{\"contributor\":\" \",\"messages\":[" + q + "," + a + "]}",
            LineProblem.NoContributor.class,
            "names no contributor"),
        Arguments.of(
            "{\"contributor\":7,\"messages\":[" + q + "," + a + "]}",
            LineProblem.WrongForm.class,
            "contributor is not a text"),
        Arguments.of(
            "{\"contributor\":\"a\",\"messages\":[],\"weight\":2}",
            LineProblem.WrongForm.class,
            "has contributor, messages, weight; must have"),
        Arguments.of(
            "{\"contributor\":\"a\",\"prompt\":\"Q\"}", LineProblem.WrongForm.class, "must have"),
        Arguments.of(
            "{\"contributor\":\"a\",\"messages\":{}}",
            LineProblem.WrongForm.class,
            "messages is not a list"),
        Arguments.of(chat.formatted(""), LineProblem.NoAnswer.class, "does not end in an answer"),
        Arguments.of(chat.formatted(a), LineProblem.NoAnswer.class, "does not end in an answer"),
        Arguments.of(chat.formatted(q), LineProblem.NoAnswer.class, "does not end in an answer"),
        Arguments.of(
            chat.formatted(q + "," + a + "," + q), LineProblem.NoAnswer.class, "does not end"),
        Arguments.of(
            chat.formatted(q + ",{\"role\":\"assistant\",\"content\":\"  \"}"),
            LineProblem.EmptyTurn.class,
            "message 2 is empty"),
        Arguments.of(
            chat.formatted("{\"role\":\"user\",\"content\":\"\"}," + a),
            LineProblem.EmptyTurn.class,
            "message 1 is empty"),
        Arguments.of(
            chat.formatted("{\"role\":\"wizard\",\"content\":\"Q\"}," + a),
            LineProblem.UnknownRole.class,
            "message 1 has role \"wizard\"; known are system, user, assistant, tool"),
        Arguments.of(
            chat.formatted("{\"role\":\"user\",\"content\":\"Q\",\"name\":\"n\"}," + a),
            LineProblem.WrongForm.class,
            "message 1 has not just role and content"),
        Arguments.of(
            chat.formatted("{\"role\":\"user\",\"content\":null}," + a),
            LineProblem.WrongForm.class,
            "content is not a text"),
        Arguments.of(
            chat.formatted("{\"role\":\"user\",\"content\":\"\\ud800\"}," + a),
            LineProblem.WrongForm.class,
            "half a character"),
        Arguments.of(
            chat.formatted("{\"role\":\"user\",\"content\":\"" + "y".repeat(100) + "\"}," + a),
            LineProblem.TooManyTokens.class,
            "has 101 tokens or more, the limit is 100"),
        Arguments.of(
            line("a", "Q", "z".repeat(2_000)).strip(),
            LineProblem.TooLongLine.class,
            "has more than 2000 bytes"));
  }

  @ParameterizedTest
  @MethodSource("malformed")
  void read_malformedLine_refusesTheFileWithItsNumber(
      String bad, Class<? extends LineProblem> kind, String message) {
    assertThatThrownBy(() -> read(GOOD + bad + "\n" + line("b", "q", "a")))
        .isInstanceOfSatisfying(
            DataException.class,
            e -> {
              DataRefusal.Malformed refusal = (DataRefusal.Malformed) e.refusal();
              assertThat(refusal.complete()).isTrue();
              assertThat(refusal.problems()).hasSize(1);
              assertThat(refusal.problems().getFirst()).isInstanceOf(kind);
              assertThat(refusal.problems().getFirst().line()).isEqualTo(2);
              assertThat(e).hasMessageContaining(message);
            });
  }

  @Test
  void read_invalidUtf8_saysWhichByte() {
    byte[] bytes = (GOOD + line("b", "q", "a")).getBytes(UTF_8);
    bytes[GOOD.length() + 20] = (byte) 0xc3;
    assertThatThrownBy(() -> read(bytes))
        .isInstanceOf(DataException.class)
        .hasMessage("line 2: is not UTF-8 at byte 21");
  }

  @Test
  void read_utf8CutAtTheEndOfALine_isRefused() {
    byte[] good = GOOD.strip().getBytes(UTF_8);
    byte[] bytes = Arrays.copyOf(good, good.length + 1);
    bytes[good.length] = (byte) 0xe2;
    assertThatThrownBy(() -> read(bytes))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("is not UTF-8 at byte " + (good.length + 1));
  }

  @Test
  void read_manyBadLines_tellsOfTheFirstHundred() {
    String file = "no\n".repeat(250);
    assertThatThrownBy(() -> read(file))
        .isInstanceOfSatisfying(
            DataException.class,
            e -> {
              DataRefusal.Malformed refusal = (DataRefusal.Malformed) e.refusal();
              assertThat(refusal.complete()).isFalse();
              assertThat(refusal.problems()).hasSize(100);
              assertThat(refusal.problems()).extracting(LineProblem::line).endsWith(99L, 100L);
              assertThat(e).hasMessageContaining("and 95 more lines, where reading stopped");
            });
  }

  @Test
  void read_moreExamplesOrTokensThanTheLimit_saysAtWhichLine() {
    StringBuilder many = new StringBuilder();
    IntStream.range(0, 51).forEach(i -> many.append(line("a", "q" + i, "x")));
    assertThatThrownBy(() -> read(many.toString()))
        .isInstanceOf(DataException.class)
        .hasMessage("line 51: more than 50 examples; train on fewer");
    StringBuilder large = new StringBuilder();
    IntStream.range(0, 40)
        .forEach(i -> large.append(line("a", "%02d".formatted(i), "x".repeat(98))));
    assertThatThrownBy(() -> read(large.toString()))
        .isInstanceOf(DataException.class)
        .hasMessage("line 31: more than 3,000 tokens; train on fewer");
  }

  @Test
  void read_nothingToTrainOn_isRefused() {
    assertThatThrownBy(() -> read("\n\n")).hasMessage("there are no examples");
    assertThatThrownBy(
            () ->
                ContributionReader.read(
                    new ByteArrayInputStream(GOOD.getBytes(UTF_8)),
                    CHARACTERS,
                    LIMITS,
                    (contributor, digest) -> true))
        .hasMessage("there are no examples: all 1 are withdrawn");
  }

  @Test
  void read_oneLineOfAGigabyte_isRefusedInBoundedMemory() {
    Endless gigabyte = new Endless("{\"contributor\": \"a\", \"messages\": [", 1L << 30);
    assertThatThrownBy(
            () ->
                ContributionReader.read(
                    gigabyte, CHARACTERS, LIMITS, ContributionReader.Exclusion.NONE))
        .isInstanceOf(DataException.class)
        .hasMessage("line 1: has more than 2000 bytes");
  }

  @Test
  void read_aGigabyteOfLines_stopsWhereTheLimitIs() {
    Numbered gigabyte = new Numbered(1L << 30);
    assertThatThrownBy(
            () ->
                ContributionReader.read(
                    gigabyte, CHARACTERS, LIMITS, ContributionReader.Exclusion.NONE))
        .isInstanceOf(DataException.class)
        .hasMessage("line 51: more than 50 examples; train on fewer");
    assertThat(gigabyte.given).isLessThan(1 << 20);
  }

  @Test
  void read_manyMegabytesOfRepeats_isCountedInBoundedMemory() throws IOException {
    byte[] line = line("a", "q".repeat(49), "x".repeat(50)).getBytes(UTF_8);
    long lines = (64L << 20) / line.length;
    InputStream repeats =
        new InputStream() {
          private long left = lines * line.length;

          @Override
          public int read() {
            throw new UnsupportedOperationException();
          }

          @Override
          public int read(byte[] into, int offset, int length) {
            if (left == 0) {
              return -1;
            }
            int at = (int) ((lines * line.length - left) % line.length);
            int count = Math.min(length, line.length - at);
            System.arraycopy(line, at, into, offset, count);
            left -= count;
            return count;
          }
        };
    Dataset data =
        ContributionReader.read(repeats, CHARACTERS, LIMITS, ContributionReader.Exclusion.NONE);
    assertThat(data.report().lines()).isEqualTo(lines);
    assertThat(data.report().duplicates()).isEqualTo(lines - 1);
    assertThat(data.examples()).hasSize(1);
  }

  /// A beginning, then spaces.
  private static final class Endless extends InputStream {
    private final byte[] start;
    private final long size;
    private long at;

    Endless(String start, long size) {
      this.start = start.getBytes(UTF_8);
      this.size = size;
    }

    @Override
    public int read() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      int count = (int) Math.min(length, size - at);
      if (count == 0) {
        return -1;
      }
      for (int i = 0; i < count; i++) {
        into[offset + i] = at + i < start.length ? start[(int) (at + i)] : (byte) ' ';
      }
      at += count;
      return count;
    }
  }

  /// Different examples without end.
  private static final class Numbered extends InputStream {
    private final long size;
    private byte[] line = {};
    private int at;
    private long number;
    long given;

    Numbered(long size) {
      this.size = size;
    }

    @Override
    public int read() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      if (given >= size) {
        return -1;
      }
      if (at == line.length) {
        line = line("a", "q" + number++, "x").getBytes(UTF_8);
        at = 0;
      }
      int count = Math.min(length, line.length - at);
      System.arraycopy(line, at, into, offset, count);
      at += count;
      given += count;
      return count;
    }
  }
}
