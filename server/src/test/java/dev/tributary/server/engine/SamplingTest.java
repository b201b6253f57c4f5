package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class SamplingTest {
  @Test
  void constructor_namesTheFieldThatIsOutOfRange() {
    rejects("sampling.max_tokens", () -> Sampling.greedy(0));
    rejects("sampling.temperature", () -> numbers(-0.1f, 0, 1, 0, 1, 0, 0));
    rejects("sampling.temperature", () -> numbers(Float.NaN, 0, 1, 0, 1, 0, 0));
    rejects("sampling.temperature", () -> numbers(101, 0, 1, 0, 1, 0, 0));
    rejects("sampling.top_k", () -> numbers(1, -1, 1, 0, 1, 0, 0));
    rejects("sampling.top_p", () -> numbers(1, 0, 0, 0, 1, 0, 0));
    rejects("sampling.top_p", () -> numbers(1, 0, 1.1f, 0, 1, 0, 0));
    rejects("sampling.top_p", () -> numbers(1, 0, Float.NaN, 0, 1, 0, 0));
    rejects("sampling.min_p", () -> numbers(1, 0, 1, -0.1f, 1, 0, 0));
    rejects("sampling.min_p", () -> numbers(1, 0, 1, 1.1f, 1, 0, 0));
    rejects("sampling.repetition_penalty", () -> numbers(1, 0, 1, 0, 0, 0, 0));
    rejects("sampling.repetition_penalty", () -> numbers(1, 0, 1, 0, 11, 0, 0));
    rejects("sampling.presence_penalty", () -> numbers(1, 0, 1, 0, 1, 2.1f, 0));
    rejects("sampling.frequency_penalty", () -> numbers(1, 0, 1, 0, 1, 0, Float.NaN));
    rejects("sampling.stop", () -> lists(Collections.nCopies(17, "x"), Set.of(), Map.of()));
    rejects("sampling.stop[1]", () -> lists(List.of("x", ""), Set.of(), Map.of()));
    rejects("sampling.stop[0]", () -> lists(List.of("x".repeat(257)), Set.of(), Map.of()));
    rejects("sampling.stop[0]", () -> lists(List.of("\ud800"), Set.of(), Map.of()));
    rejects("sampling.stop_token_ids", () -> lists(List.of(), Set.of(-1), Map.of()));
    Set<Integer> many = IntStream.range(0, 1025).boxed().collect(Collectors.toSet());
    rejects("sampling.stop_token_ids", () -> lists(List.of(), many, Map.of()));
    rejects("sampling.logit_bias[3]", () -> lists(List.of(), Set.of(), Map.of(3, 101f)));
    rejects("sampling.logit_bias[-3]", () -> lists(List.of(), Set.of(), Map.of(-3, 1f)));
    Map<Integer, Float> biases = many.stream().collect(Collectors.toMap(id -> id, id -> 1f));
    rejects("sampling.logit_bias", () -> lists(List.of(), Set.of(), biases));
  }

  @Test
  void constructor_takesTheBounds() {
    assertThat(numbers(0, 0, 1, 0, 1, -2, 2).penalises()).isTrue();
    assertThat(numbers(100, Integer.MAX_VALUE, Float.MIN_VALUE, 1, 10, 0, 0).topK())
        .isEqualTo(Integer.MAX_VALUE);
    assertThat(Sampling.greedy(1).penalises()).isFalse();
    assertThat(lists(Collections.nCopies(16, "😀"), Set.of(0), Map.of(0, -100f)).stop())
        .hasSize(16);
  }

  @Test
  void checkVocabulary_refusesIdsBeyondIt() {
    lists(List.of(), Set.of(9), Map.of(9, 1f)).checkVocabulary(10);

    rejects(
        "sampling.stop_token_ids",
        () -> lists(List.of(), Set.of(10), Map.of()).checkVocabulary(10));
    rejects(
        "sampling.logit_bias[10]",
        () -> lists(List.of(), Set.of(), Map.of(10, 1f)).checkVocabulary(10));
  }

  private static void rejects(String field, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            Rejection.InvalidField.class, e -> assertThat(e.field()).isEqualTo(field));
  }

  private static Sampling numbers(
      float temperature,
      int topK,
      float topP,
      float minP,
      float repetition,
      float presence,
      float frequency) {
    return new Sampling(
        1,
        temperature,
        topK,
        topP,
        minP,
        repetition,
        presence,
        frequency,
        0,
        List.of(),
        Set.of(),
        Map.of());
  }

  private static Sampling lists(
      List<String> stop, Set<Integer> stopTokenIds, Map<Integer, Float> logitBias) {
    return new Sampling(1, 0, 0, 1, 0, 1, 0, 0, 0, stop, stopTokenIds, logitBias);
  }
}
