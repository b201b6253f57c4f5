package dev.tributary.server.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ClustersTest {
  /// Tokens from here on are numbers.
  private static final int NUMBERS = 900;

  private static final IntPredicate NUMBER = token -> token >= NUMBERS && token < 1_000;

  /// 200 tokens that all of twenty examples have, so that none of them is rare.
  private static final int[] TEXT = IntStream.range(0, 200).toArray();

  private static List<Example> with(Example... examples) {
    List<Example> all = new ArrayList<>(List.of(examples));
    // Others, so that all tokens below 300 are common; in an order of their own each.
    for (int i = 0; i < 20; i++) {
      List<Integer> tokens = new ArrayList<>(IntStream.range(0, 300).boxed().toList());
      Collections.shuffle(tokens, new Random(i));
      all.add(new Example("other" + i, tokens.stream().mapToInt(t -> t).toArray()));
    }
    return all;
  }

  private static Example example(String contributor, int... tokens) {
    return new Example(contributor, tokens);
  }

  private static int[] changed(int[] tokens, int at, int token) {
    int[] changed = tokens.clone();
    changed[at] = token;
    return changed;
  }

  private static int[] joined(int[] tokens, int... more) {
    int[] all = Arrays.copyOf(tokens, tokens.length + more.length);
    System.arraycopy(more, 0, all, tokens.length, more.length);
    return all;
  }

  @Test
  void of_theSameByTwoContributors_theFirstIsCreditedAndTheMergeReported() {
    Clusters clusters = Clusters.of(with(example("ann", TEXT), example("bob", TEXT)), NUMBER);

    assertThat(clusters.head(0)).isZero();
    assertThat(clusters.head(1)).isZero();
    assertThat(clusters.heads()).hasSize(21).doesNotContain(1);
    assertThat(clusters.merges()).containsExactly(new Clusters.Merge(1, 0, "bob", "ann", 196, 196));
  }

  @Test
  void headOfEach_hasAsManyAsExamples() {
    Clusters clusters =
        Clusters.of(
            with(example("ann", TEXT), example("bob", TEXT), example("cy", 301, 302, 303)), NUMBER);

    assertThat(clusters.headOfEach()).hasSize(23).startsWith(0, 0, 2, 3);
    assertThat(clusters.heads()).hasSize(22);
  }

  @Test
  void ofConversations_whatAllBeginWith_makesNoneAlike() {
    Random random = new Random(4);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      examples.add(
          example("c" + i, joined(TEXT, random.ints(10, 0, 10).map(t -> 200 + t).toArray())));
    }

    assertThat(Clusters.of(examples, NUMBER).heads()).hasSizeLessThan(40);
    assertThat(Clusters.ofConversations(examples, NUMBER).heads()).hasSize(40);
  }

  @Test
  void of_theSameTwiceByOne_oneClusterAndNothingToReport() {
    Clusters clusters = Clusters.of(with(example("ann", TEXT), example("ann", TEXT)), NUMBER);

    assertThat(clusters.head(1)).isZero();
    assertThat(clusters.merges()).isEmpty();
  }

  @Test
  void of_aCommonWordChanged_joins() {
    Clusters clusters =
        Clusters.of(with(example("ann", TEXT), example("bob", changed(TEXT, 100, 250))), NUMBER);

    assertThat(clusters.merges()).containsExactly(new Clusters.Merge(1, 0, "bob", "ann", 191, 201));
  }

  @Test
  void of_aNumberOrARareTokenDiffers_twoFacts() {
    int[] nine = joined(TEXT, 909);
    int[] ten = joined(TEXT, 910);
    int[] mill = changed(nine, 100, 555);
    int[] swapped = joined(TEXT, 909, 910);

    Clusters clusters =
        Clusters.of(
            with(
                example("ann", nine),
                example("bob", ten),
                example("cid", mill),
                example("dan", swapped),
                example("eve", joined(TEXT, 910, 909)),
                example("fay", nine)),
            NUMBER);

    assertThat(IntStream.range(0, 6).map(clusters::head)).containsExactly(0, 1, 2, 3, 4, 0);
  }

  /// Each is like the one before; only those that are like the head join it.
  @Test
  void of_aRowOfSmallChanges_noChain() {
    List<Example> row = new ArrayList<>();
    int[] tokens = TEXT;
    for (int i = 0; i < 8; i++) {
      row.add(example("c" + i, tokens));
      tokens = changed(tokens, 10 + 20 * i, 250 + i);
    }
    Clusters clusters = Clusters.of(with(row.toArray(Example[]::new)), NUMBER);

    // Two changes are 10 of 206 runs, three 15 of 211.
    assertThat(IntStream.range(0, 8).map(clusters::head)).containsExactly(0, 0, 0, 3, 3, 3, 6, 6);
  }

  @Test
  void of_shorterThanARun_equalOnesJoin() {
    Clusters clusters =
        Clusters.of(
            with(
                example("ann", 1, 2, 3),
                example("bob", 1, 2, 3),
                example("cid", 1, 2),
                example("dan"),
                example("eve")),
            NUMBER);

    assertThat(IntStream.range(0, 5).map(clusters::head)).containsExactly(0, 0, 2, 3, 3);
  }

  @Test
  void of_moreThanAManifestHas_refused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Clusters.of(
                    Collections.nCopies(Clusters.MAX_EXAMPLES + 1, example("ann", 1)), NUMBER));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Clusters.of(List.of(example("ann", new int[Clusters.MAX_TOKENS + 1])), NUMBER));
  }

  @Test
  void of_noVocabularysToken_refused() {
    for (int token : new int[] {-1, Integer.MAX_VALUE}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Clusters.of(List.of(example("ann", token)), NUMBER));
    }
  }

  /// Texts of few words with changes, copies and numbers; all pairs compared as sets of strings.
  @Test
  void of_anyTexts_asAllPairsSay() {
    int joined = 0;
    int near = 0;
    for (int seed = 0; seed < 60; seed++) {
      List<Example> examples = texts(new Random(seed), 80);
      Clusters clusters = Clusters.of(examples, NUMBER);
      int[] heads = byAllPairs(examples);

      assertThat(IntStream.range(0, heads.length).map(clusters::head))
          .as("seed %d", seed)
          .containsExactlyElementsOf(Arrays.stream(heads).boxed().toList());
      joined += examples.size() - clusters.heads().size();
      near += clusters.merges().size();
      for (Clusters.Merge merge : clusters.merges()) {
        assertThat(10 * merge.shared()).isBetween(9 * merge.of(), 10 * merge.of());
        assertThat(clusters.head(merge.example())).isEqualTo(merge.head());
      }
    }
    assertThat(joined).isGreaterThan(1_000);
    assertThat(near).isGreaterThan(500);
  }

  private static List<Example> texts(Random random, int count) {
    List<Example> examples = new ArrayList<>();
    int words = 5 + random.nextInt(200);
    for (int i = 0; i < count; i++) {
      int[] tokens =
          i == 0 || random.nextInt(5) == 0
              ? random.ints(random.nextInt(300), 0, words).toArray()
              : examples.get(random.nextInt(i)).tokens().clone();
      for (int changes = random.nextInt(4); changes > 0 && tokens.length > 0; changes--) {
        int with = random.nextInt(9) == 0 ? NUMBERS + random.nextInt(9) : random.nextInt(words);
        tokens[random.nextInt(tokens.length)] = with;
      }
      examples.add(new Example("c" + random.nextInt(5), tokens));
    }
    return examples;
  }

  private static int[] byAllPairs(List<Example> examples) {
    Map<Integer, Integer> documents = new HashMap<>();
    examples.forEach(
        each ->
            Arrays.stream(each.tokens())
                .distinct()
                .forEach(token -> documents.merge(token, 1, Integer::sum)));
    int[] heads = new int[examples.size()];
    for (int i = 0; i < heads.length; i++) {
      heads[i] = i;
      for (int head = 0; head < i && heads[i] == i; head++) {
        int[] one = examples.get(i).tokens();
        int[] other = examples.get(head).tokens();
        if (heads[head] == head
            && marks(one, documents, heads.length).equals(marks(other, documents, heads.length))
            && jaccard(runs(one), runs(other)) >= 0.9) {
          heads[i] = head;
        }
      }
    }
    return heads;
  }

  private static List<Integer> marks(int[] tokens, Map<Integer, Integer> documents, int examples) {
    return Arrays.stream(tokens)
        .filter(
            token ->
                NUMBER.test(token)
                    || documents.getOrDefault(token, 0) < 5
                    || documents.getOrDefault(token, 0) < 0.05 * examples)
        .boxed()
        .toList();
  }

  private static Set<String> runs(int[] tokens) {
    Set<String> runs = new HashSet<>();
    for (int i = 0; i == 0 || i + 5 <= tokens.length; i++) {
      runs.add(Arrays.toString(Arrays.copyOfRange(tokens, i, Math.min(i + 5, tokens.length))));
    }
    return runs;
  }

  private static double jaccard(Set<String> one, Set<String> other) {
    Set<String> shared = new HashSet<>(one);
    shared.retainAll(other);
    return (double) shared.size() / (one.size() + other.size() - shared.size());
  }
}
