package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final TokenCounts NONE = new TokenCounts(new int[0]);

  @Test
  void choose_atTemperatureZeroIsTheLargestLogitTiesToTheLowestId() {
    Sampler sampler = new Sampler(4);

    assertThat(choose(sampler, new float[] {1, 5, 5, 2}, Sampling.greedy(9), NONE, 0)).isEqualTo(1);
  }

  @Test
  void choose_greedyTakesBiasAndPenaltiesIntoAccount() {
    float[] logits = {4, 5, 3};
    TokenCounts counts = new TokenCounts(new int[] {1});
    Sampler sampler = new Sampler(3);

    // 5 / 2 < 4, by the prompt alone; the output's penalties then fell token 0 as well.
    Sampling repetition = sampling(0, 0, 1, 0, 2, 0, 0, Map.of());
    assertThat(choose(sampler, logits, repetition, counts, 0)).isZero();
    assertThat(choose(sampler, logits, sampling(0, 0, 1, 0, 1, 0, 0, Map.of(2, 3f)), NONE, 0))
        .isEqualTo(2);
    TokenCounts output = new TokenCounts(new int[0]);
    output.add(1);
    output.add(1);
    assertThat(choose(sampler, logits, sampling(0, 0, 1, 0, 1, 0, 0.6f, Map.of()), output, 0))
        .isZero();
    assertThat(choose(sampler, logits, sampling(0, 0, 1, 0, 1, 0.9f, 0, Map.of()), output, 0))
        .isEqualTo(1);
    assertThat(logits).containsExactly(4, 5, 3);
  }

  @Test
  void choose_refusesLogitsThatAreNotFinite() {
    assertThatThrownBy(
            () -> choose(new Sampler(2), new float[] {Float.NaN, 1}, Sampling.greedy(1), NONE, 0))
        .isInstanceOf(ArithmeticException.class);
  }

  @Test
  void choose_survivesExtremeTemperatures() {
    float[] logits = {-3e38f, 3e38f, 0, Float.NEGATIVE_INFINITY};
    Sampler sampler = new Sampler(4);

    for (float temperature : new float[] {Float.MIN_VALUE, 1e-20f, 1, 100}) {
      Sampling sampling = sampling(temperature, 0, 1, 0, 1, 0, 0, Map.of());
      assertThat(choose(sampler, logits, sampling, NONE, 0)).isEqualTo(1);
    }
  }

  @Test
  void choose_isAFunctionOfSeedAndPosition() {
    float[] logits = new float[100];
    Sampler sampler = new Sampler(100);
    Sampling sampling = sampling(1, 0, 1, 0, 1, 0, 0, Map.of());
    int[] first =
        IntStream.range(0, 50).map(at -> choose(sampler, logits, sampling, NONE, at)).toArray();
    int[] again =
        IntStream.range(0, 50)
            .map(at -> choose(new Sampler(100), logits, sampling, NONE, at))
            .toArray();

    assertThat(again).containsExactly(first);
    assertThat(IntStream.of(first).distinct().count()).isGreaterThan(20);
  }

  @Test
  void choose_neverTakesAnImpossibleToken() {
    float[] logits = new float[3000];
    Arrays.fill(logits, Float.NEGATIVE_INFINITY);
    logits[2047] = 1;
    logits[2999] = 1;
    Sampler sampler = new Sampler(logits.length);
    for (float temperature : new float[] {0.01f, 1, 100}) {
      Sampling sampling = sampling(temperature, 0, 1, 0, 1, 0, 0, Map.of());
      for (int position = 0; position < 100; position++) {
        assertThat(choose(sampler, logits, sampling, NONE, position)).isIn(2047, 2999);
      }
    }
  }

  /// Against a definition that sorts everything and keeps lists, over random requests.
  @Test
  void keep_equalsTheDefinition() {
    Random random = new Random(5);
    for (int round = 0; round < 3000; round++) {
      int vocabulary = 1 + random.nextInt(round % 50 == 0 ? 5000 : 300);
      float[] logits = new float[vocabulary];
      for (int i = 0; i < vocabulary; i++) {
        // Rounded, so that ties are common.
        logits[i] = Math.round(random.nextGaussian() * 12) / 4f;
      }
      int[] prompt = random.ints(5, 0, vocabulary).toArray();
      int[] output = random.ints(random.nextInt(8), 0, vocabulary).toArray();
      Sampling sampling = randomSampling(random, vocabulary);
      TokenCounts counts = counts(prompt, output);
      Sampler sampler = new Sampler(vocabulary);

      List<Integer> kept = kept(sampler, logits, sampling, counts);
      assertThat(kept).isEqualTo(SlowSampler.keep(logits, sampling, prompt, output));
      assertThat(kept).contains(choose(sampler, logits, sampling, counts, round));
    }
  }

  /// Of every token, against float64 over whole lists; and the token drawn has the same bits.
  @Test
  void probability_equalsTheDefinition() {
    Random random = new Random(8);
    for (int round = 0; round < 400; round++) {
      int vocabulary = 1 + random.nextInt(60);
      float[] logits = new float[vocabulary];
      for (int i = 0; i < vocabulary; i++) {
        logits[i] = Math.round(random.nextGaussian() * 12) / 4f;
      }
      int[] prompt = random.ints(5, 0, vocabulary).toArray();
      int[] output = random.ints(random.nextInt(8), 0, vocabulary).toArray();
      Sampling sampling =
          round % 5 == 0
              ? sampling(0, 0, 1, 0, 1.5f, 0.5f, 0.5f, Map.of())
              : randomSampling(random, vocabulary);
      TokenCounts counts = counts(prompt, output);
      Sampler sampler = new Sampler(vocabulary);
      int chosen = choose(sampler, logits, sampling, counts, round);
      float drawn = sampler.drawn();

      double sum = 0;
      for (int id = 0; id < vocabulary; id++) {
        float probability = sampler.probability(id, sampling, counts);
        assertThat((double) probability)
            .isCloseTo(SlowSampler.probability(logits, sampling, prompt, output, id), within(2e-6));
        sum += probability;
      }
      assertThat(sum).isCloseTo(1, within(1e-5));
      assertThat(sampler.probability(chosen, sampling, counts)).isEqualTo(drawn).isPositive();
    }
  }

  /// The same tokens and logprobs, bit by bit, as the definition's: scratch that other rows used
  /// makes no difference.
  @Test
  void chooseAndLogprob_equalTheDefinitionBitByBit() {
    Random random = new Random(6);
    for (int vocabulary : new int[] {1, 5, 127, 128, 1024, 2500, 9001}) {
      Sampler sampler = new Sampler(vocabulary);
      for (int round = 0; round < 150; round++) {
        float[] logits = randomLogits(random, vocabulary);
        int[] prompt = random.ints(5, 0, vocabulary).toArray();
        int[] output = random.ints(random.nextInt(8), 0, vocabulary).toArray();
        Sampling sampling = randomSampling(random, vocabulary);

        int chosen = choose(sampler, logits, sampling, counts(prompt, output), round);
        assertThat(chosen).isEqualTo(SlowSampler.choose(logits, sampling, prompt, output, round));
        assertThat(sampler.logprob(chosen, round % 7))
            .isEqualTo(SlowSampler.logprob(logits, chosen, round % 7));
        assertThat(sampler.best()).isEqualTo(SlowSampler.logprob(logits, 0, 1).top().get(0).id());
      }
    }
  }

  @Test
  void keep_matchesTransformers() throws Exception {
    JsonNode golden;
    try (InputStream in =
        SamplerTest.class.getResourceAsStream("/goldens/sampling/transformers.json")) {
      golden = new ObjectMapper().readTree(Objects.requireNonNull(in));
    }
    assertThat(golden.get("cases")).hasSize(60);
    for (JsonNode test : golden.get("cases")) {
      float[] logits = floats(test.get("logits"));
      TokenCounts counts = counts(ints(test.get("prompt")), ints(test.get("output")));
      Map<Integer, Float> bias = new HashMap<>();
      test.get("logit_bias").forEach(b -> bias.put(b.get(0).intValue(), b.get(1).floatValue()));
      Sampling sampling =
          sampling(
              test.get("temperature").floatValue(),
              test.get("top_k").intValue(),
              test.get("top_p").floatValue(),
              test.get("min_p").floatValue(),
              test.get("repetition_penalty").floatValue(),
              0,
              0,
              bias);
      Sampler sampler = new Sampler(logits.length);
      sampler.read(row(logits));
      Ranking ranking = sampler.adjust(sampling, counts);
      Ranking.Prefix kept = sampler.keep(ranking, sampling);
      Map<Integer, Double> ours = new TreeMap<>();
      for (int rank = 0; rank < kept.count(); rank++) {
        ours.put(ranking.id(rank), ranking.weight(rank) / kept.mass());
      }
      Map<Integer, Double> theirs = new TreeMap<>();
      test.get("probabilities").forEach(p -> theirs.put(p.get(0).intValue(), p.get(1).asDouble()));

      // Below the smallest normal float32 the two differ in when they say 0.
      ours.values().removeIf(p -> p < 1e-37);
      theirs.values().removeIf(p -> p < 1e-37);
      assertThat(ours.keySet()).isEqualTo(theirs.keySet());
      ours.forEach((id, p) -> assertThat(p).isCloseTo(theirs.get(id), within(2e-6)));
    }
  }

  /// Pearson's chi-square of many draws, at fixed seeds, against the exact distribution.
  @Test
  void choose_drawsByTheDistribution() {
    float[] logits = {2, 1.5f, 1, 0.5f, 0, -0.5f, -1, 3, 2.5f, -1.5f};
    Sampler sampler = new Sampler(logits.length);
    for (long seed = 1; seed <= 3; seed++) {
      Sampling sampling =
          new Sampling(1, 1.3f, 8, 0.98f, 0, 1, 0, 0, seed, List.of(), Set.of(), Map.of());
      sampler.read(row(logits));
      Ranking ranking = sampler.adjust(sampling, NONE);
      Ranking.Prefix kept = sampler.keep(ranking, sampling);
      double[] expected = new double[logits.length];
      for (int rank = 0; rank < kept.count(); rank++) {
        expected[ranking.id(rank)] = ranking.weight(rank) / kept.mass();
      }
      int draws = 20_000;
      int[] seen = new int[logits.length];
      for (int position = 0; position < draws; position++) {
        seen[choose(sampler, logits, sampling, NONE, position)]++;
      }
      double chiSquare = 0;
      for (int id = 0; id < seen.length; id++) {
        double want = expected[id] * draws;
        if (want == 0) {
          assertThat(seen[id]).isZero();
        } else {
          chiSquare += (seen[id] - want) * (seen[id] - want) / want;
        }
      }

      // 99.9th percentile at 7 degrees of freedom.
      assertThat(kept.count()).isEqualTo(8);
      assertThat(chiSquare).isLessThan(24.3);
    }
  }

  @Test
  void logprob_isLogSoftmaxOfTheRawLogits() {
    Random random = new Random(9);
    float[] logits = new float[5000];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian() * 5;
    }
    double sum = IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logits[i])).sum();
    TokenLogprob logprob = logprob(logits, 17, 5);

    assertThat(logprob.id()).isEqualTo(17);
    assertThat((double) logprob.logprob()).isCloseTo(logits[17] - Math.log(sum), within(1e-6));
    assertThat(logprob.top()).extracting(TokenLogprob.Alternative::id).isEqualTo(top(logits, 5));
    for (TokenLogprob.Alternative alternative : logprob.top()) {
      assertThat((double) alternative.logprob())
          .isCloseTo(logits[alternative.id()] - Math.log(sum), within(1e-6));
    }
  }

  @Test
  void logprob_ranksTiesByTheLowestId() {
    float[] logits = {1, 2, 2, 1, 2};

    assertThat(logprob(logits, 0, 4).top())
        .extracting(TokenLogprob.Alternative::id)
        .containsExactly(1, 2, 4, 0);
    assertThat(logprob(logits, 0, 0).top()).isEmpty();
    assertThat(logprob(logits, 0, 20).top()).hasSize(5);
  }

  private static Sampling randomSampling(Random random, int vocabulary) {
    Map<Integer, Float> bias = new HashMap<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      bias.put(random.nextInt(vocabulary), random.nextInt(21) - 10f);
    }
    return sampling(
        random.nextInt(10) == 0 ? 1e-3f : 0.25f * (1 + random.nextInt(8)),
        random.nextBoolean() ? 0 : 1 + random.nextInt(vocabulary + 5),
        random.nextBoolean() ? 1 : 0.001f + 0.99f * random.nextFloat(),
        random.nextBoolean() ? 0 : random.nextFloat(),
        random.nextBoolean() ? 1 : 0.5f + random.nextFloat(),
        random.nextBoolean() ? 0 : random.nextInt(5) - 2,
        random.nextBoolean() ? 0 : random.nextInt(5) - 2,
        bias);
  }

  static Sampling sampling(
      float temperature,
      int topK,
      float topP,
      float minP,
      float repetition,
      float presence,
      float frequency,
      Map<Integer, Float> bias) {
    return new Sampling(
        1,
        temperature,
        topK,
        topP,
        minP,
        repetition,
        presence,
        frequency,
        42,
        List.of(),
        Set.of(),
        bias);
  }

  /// Of one of several kinds: as a model's, flat, all equal, with impossible tokens, extreme.
  private static float[] randomLogits(Random random, int vocabulary) {
    float[] logits = new float[vocabulary];
    int kind = random.nextInt(5);
    for (int i = 0; i < vocabulary; i++) {
      double normal = random.nextGaussian();
      logits[i] =
          switch (kind) {
            case 0 -> (float) normal * 4 + 10;
            case 1 -> (float) normal * 0.1f;
            case 2 -> 3;
            case 3 -> random.nextInt(3) == 0 ? (float) normal : Float.NEGATIVE_INFINITY;
            default -> (float) normal * (random.nextBoolean() ? 3e37f : 1e-40f);
          };
    }
    logits[random.nextInt(vocabulary)] = -0f;
    return logits;
  }

  private static int choose(
      Sampler sampler, float[] logits, Sampling sampling, TokenCounts counts, int position) {
    sampler.read(row(logits));
    return sampler.choose(sampling, counts, position);
  }

  private static TokenLogprob logprob(float[] logits, int id, int top) {
    Sampler sampler = new Sampler(logits.length);
    sampler.read(row(logits));
    return sampler.logprob(id, top);
  }

  private static List<Integer> kept(
      Sampler sampler, float[] logits, Sampling sampling, TokenCounts counts) {
    sampler.read(row(logits));
    Ranking ranking = sampler.adjust(sampling, counts);
    int count = sampler.keep(ranking, sampling).count();
    return IntStream.range(0, count).mapToObj(ranking::id).toList();
  }

  private static Matrix row(float... logits) {
    return Matrix.of(DType.F32, 1, logits.length, logits);
  }

  private static TokenCounts counts(int[] prompt, int[] output) {
    TokenCounts counts = new TokenCounts(prompt);
    for (int id : output) {
      counts.add(id);
    }
    return counts;
  }

  private static List<Integer> top(float[] values, int count) {
    return IntStream.range(0, values.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> -values[i]))
        .limit(count)
        .toList();
  }

  private static float[] floats(JsonNode node) {
    float[] values = new float[node.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = node.get(i).floatValue();
    }
    return values;
  }

  private static int[] ints(JsonNode node) {
    List<Integer> values = new ArrayList<>();
    node.forEach(value -> values.add(value.intValue()));
    return values.stream().mapToInt(i -> i).toArray();
  }
}
