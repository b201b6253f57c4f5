package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.util.ArrayList;
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

    assertThat(sampler.choose(new float[] {1, 5, 5, 2}, Sampling.greedy(9), NONE, 0)).isEqualTo(1);
  }

  @Test
  void choose_greedyTakesBiasAndPenaltiesIntoAccount() {
    float[] logits = {4, 5, 3};
    TokenCounts counts = new TokenCounts(new int[] {1});
    Sampler sampler = new Sampler(3);

    // 5 / 2 < 4, by the prompt alone; the output's penalties then fell token 0 as well.
    Sampling repetition = sampling(0, 0, 1, 0, 2, 0, 0, Map.of());
    assertThat(sampler.choose(logits, repetition, counts, 0)).isZero();
    assertThat(sampler.choose(logits, sampling(0, 0, 1, 0, 1, 0, 0, Map.of(2, 3f)), NONE, 0))
        .isEqualTo(2);
    TokenCounts output = new TokenCounts(new int[0]);
    output.add(1);
    output.add(1);
    assertThat(sampler.choose(logits, sampling(0, 0, 1, 0, 1, 0, 0.6f, Map.of()), output, 0))
        .isZero();
    assertThat(sampler.choose(logits, sampling(0, 0, 1, 0, 1, 0.9f, 0, Map.of()), output, 0))
        .isEqualTo(1);
    assertThat(logits).containsExactly(4, 5, 3);
  }

  @Test
  void choose_refusesLogitsThatAreNotFinite() {
    assertThatThrownBy(
            () -> new Sampler(2).choose(new float[] {Float.NaN, 1}, Sampling.greedy(1), NONE, 0))
        .isInstanceOf(ArithmeticException.class);
  }

  @Test
  void choose_survivesExtremeTemperatures() {
    float[] logits = {-3e38f, 3e38f, 0, Float.NEGATIVE_INFINITY};
    Sampler sampler = new Sampler(4);

    for (float temperature : new float[] {Float.MIN_VALUE, 1e-20f, 1, 100}) {
      Sampling sampling = sampling(temperature, 0, 1, 0, 1, 0, 0, Map.of());
      assertThat(sampler.choose(logits, sampling, NONE, 0)).isEqualTo(1);
    }
  }

  @Test
  void choose_isAFunctionOfSeedAndPosition() {
    float[] logits = new float[100];
    Sampler sampler = new Sampler(100);
    Sampling sampling = sampling(1, 0, 1, 0, 1, 0, 0, Map.of());
    int[] first =
        IntStream.range(0, 50).map(at -> sampler.choose(logits, sampling, NONE, at)).toArray();
    int[] again =
        IntStream.range(0, 50)
            .map(at -> new Sampler(100).choose(logits, sampling, NONE, at))
            .toArray();

    assertThat(again).containsExactly(first);
    assertThat(IntStream.of(first).distinct().count()).isGreaterThan(20);
  }

  /// Against a definition that sorts everything and keeps lists, over random requests.
  @Test
  void keep_equalsTheDefinition() {
    Random random = new Random(5);
    for (int round = 0; round < 3000; round++) {
      int vocabulary = 1 + random.nextInt(300);
      float[] logits = new float[vocabulary];
      for (int i = 0; i < vocabulary; i++) {
        // Rounded, so that ties are common.
        logits[i] = Math.round(random.nextGaussian() * 12) / 4f;
      }
      int[] prompt = random.ints(5, 0, vocabulary).toArray();
      int[] output = random.ints(random.nextInt(8), 0, vocabulary).toArray();
      Sampling sampling = randomSampling(random, vocabulary);
      TokenCounts counts = new TokenCounts(prompt);
      for (int id : output) {
        counts.add(id);
      }
      Sampler sampler = new Sampler(vocabulary);

      List<Integer> kept = ids(sampler, sampler.keep(logits, sampling, counts).count());
      assertThat(kept).isEqualTo(SlowSampler.keep(logits, sampling, prompt, output));
      assertThat(kept).contains(sampler.choose(logits, sampling, counts, round));
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
      TokenCounts counts = new TokenCounts(ints(test.get("prompt")));
      for (int id : ints(test.get("output"))) {
        counts.add(id);
      }
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
      Ranking.Prefix kept = sampler.keep(logits, sampling, counts);
      Map<Integer, Double> ours = new TreeMap<>();
      for (int rank = 0; rank < kept.count(); rank++) {
        ours.put(sampler.ranking().id(rank), sampler.ranking().weight(rank) / kept.mass());
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
      Ranking.Prefix kept = sampler.keep(logits, sampling, NONE);
      double[] expected = new double[logits.length];
      for (int rank = 0; rank < kept.count(); rank++) {
        expected[sampler.ranking().id(rank)] = sampler.ranking().weight(rank) / kept.mass();
      }
      int draws = 20_000;
      int[] seen = new int[logits.length];
      for (int position = 0; position < draws; position++) {
        seen[sampler.choose(logits, sampling, NONE, position)]++;
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
    TokenLogprob logprob = new Sampler(logits.length).logprob(logits, 17, 5);

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

    assertThat(new Sampler(5).logprob(logits, 0, 4).top())
        .extracting(TokenLogprob.Alternative::id)
        .containsExactly(1, 2, 4, 0);
    assertThat(new Sampler(5).logprob(logits, 0, 0).top()).isEmpty();
    assertThat(new Sampler(5).logprob(logits, 0, 20).top()).hasSize(5);
  }

  private static Sampling randomSampling(Random random, int vocabulary) {
    Map<Integer, Float> bias = new HashMap<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      bias.put(random.nextInt(vocabulary), random.nextInt(21) - 10f);
    }
    return sampling(
        0.25f * (1 + random.nextInt(8)),
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

  private static List<Integer> ids(Sampler sampler, int count) {
    // A ranking is sorted as far as it was walked.
    sampler.ranking().walk(count, Double.POSITIVE_INFINITY, 0);
    return IntStream.range(0, count).mapToObj(sampler.ranking()::id).toList();
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
