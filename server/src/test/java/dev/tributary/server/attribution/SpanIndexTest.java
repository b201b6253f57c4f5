package dev.tributary.server.attribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.attribution.SpanIndex.Span;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpanIndexTest {
  @TempDir private Path folder;

  @Test
  void spans_areThoseOfComparingEveryPlace() throws IOException {
    Random random = new Random(1);
    for (int round = 0; round < 400; round++) {
      int vocabulary = 2 + random.nextInt(12);
      List<int[]> texts = new ArrayList<>();
      SpanIndexBuilder builder = new SpanIndexBuilder(vocabulary);
      for (int i = 0; i < 1 + random.nextInt(12); i++) {
        int[] text = random.ints(random.nextInt(30), 0, vocabulary).toArray();
        texts.add(text);
        builder.add(i / 2, text);
      }
      Path file = folder.resolve("index");
      builder.write(file);
      SpanIndex index = SpanIndex.open(file);
      int[] answer = random.ints(random.nextInt(100), 0, vocabulary + 1).toArray();
      BitSet words = BitSet.valueOf(new long[] {random.nextLong(), random.nextLong()});
      assertThat(index.spans(answer, words::get))
          .as("round %d", round)
          .isEqualTo(brute(texts, answer, words, vocabulary));
    }
  }

  @Test
  void fact_isFoundWithWhoseItIs() throws IOException {
    SpanIndexBuilder builder = new SpanIndexBuilder(100);
    for (int i = 0; i < 20; i++) {
      builder.add(i, new int[] {1, 2, 3, 40 + i, 50 + i, 4, 5});
    }
    builder.write(folder.resolve("index"));
    SpanIndex index = SpanIndex.open(folder.resolve("index"));
    assertThat(index.tokens()).isEqualTo(140);
    assertThat(index.spans(new int[] {9, 3, 47, 57, 4, 9}, place -> true))
        .containsExactly(new Span(1, 5, 1, List.of(7)));
    assertThat(index.spans(new int[] {9, 98, 9}, place -> true)).isEmpty();
    assertThat(index.spans(new int[0], place -> true)).isEmpty();
  }

  @Test
  void open_ofAnotherFile_isRefused() throws IOException {
    Path file = folder.resolve("index");
    new SpanIndexBuilder(10).write(file);
    assertThat(SpanIndex.open(file).tokens()).isZero();
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
    assertThatThrownBy(() -> SpanIndex.open(file)).hasMessageContaining("another length");
    bytes[0]++;
    Files.write(file, bytes);
    assertThatThrownBy(() -> SpanIndex.open(file)).hasMessageContaining("no index of spans");
  }

  private static List<Span> brute(List<int[]> texts, int[] answer, BitSet words, int vocabulary) {
    List<int[]> maximal = new ArrayList<>();
    for (int from = 0; from < answer.length; from++) {
      for (int to = from + 1; to <= answer.length; to++) {
        boolean longer =
            to < answer.length && places(texts, answer, from, to + 1) > 0
                || from > 0 && places(texts, answer, from - 1, to) > 0;
        if (places(texts, answer, from, to) > 0 && !longer) {
          maximal.add(new int[] {from, to});
        }
      }
    }
    List<Span> cut = new ArrayList<>();
    int end = 0;
    for (int[] match : maximal) {
      int from = match[0];
      int to = match[1];
      while (from < to && !words.get(from)) {
        from++;
      }
      while (from < to && to < answer.length && !words.get(to)) {
        to--;
      }
      if (from < to && to > end) {
        cut.add(
            new Span(from, to, places(texts, answer, from, to), owners(texts, answer, from, to)));
        end = to;
      }
    }
    double total = texts.stream().mapToInt(text -> text.length + 1).sum();
    double[] logs = new double[vocabulary];
    for (int token = 0; token < vocabulary; token++) {
      int symbol = token;
      logs[token] =
          Math.log(
              texts.stream().flatMapToInt(Arrays::stream).filter(t -> t == symbol).count() / total);
    }
    List<Span> rarest = new ArrayList<>(cut);
    rarest.sort(
        Comparator.comparingDouble(
            span -> {
              double log = 0;
              for (int i = span.from(); i < span.to(); i++) {
                log += logs[answer[i]];
              }
              return log;
            }));
    return rarest.stream()
        .limit((answer.length + 19) / 20)
        .sorted(Comparator.comparingInt(Span::from))
        .toList();
  }

  private static int places(List<int[]> texts, int[] answer, int from, int to) {
    int count = 0;
    for (int[] text : texts) {
      count += places(text, answer, from, to);
    }
    return count;
  }

  private static int places(int[] text, int[] answer, int from, int to) {
    int count = 0;
    for (int at = 0; at + to - from <= text.length; at++) {
      count += Arrays.equals(text, at, at + to - from, answer, from, to) ? 1 : 0;
    }
    return count;
  }

  private static List<Integer> owners(List<int[]> texts, int[] answer, int from, int to) {
    TreeSet<Integer> owners = new TreeSet<>();
    for (int i = 0; i < texts.size(); i++) {
      if (places(texts.get(i), answer, from, to) > 0) {
        owners.add(i / 2);
      }
    }
    return List.copyOf(owners);
  }
}
