package dev.tributary.server.engine;

import java.util.List;
import java.util.Map;
import java.util.Set;

/// How a request's tokens are chosen; every value resolved. Steps are taken in this order: logit
/// bias, penalties (repetition, frequency, presence), temperature, top-k, top-p, min-p.
///
/// A value out of range is an [Rejection.InvalidField] naming the field as the API does.
///
/// @param maxTokens most tokens to generate, at least 1; [Engine] clips it to what the context has
///   left after the prompt
/// @param temperature divides the logits, in `[0, 100]`; 0 is greedy: the largest logit after bias
///   and penalties, ties to the lowest id
/// @param topK keeps the k most likely tokens; 0 keeps all
/// @param topP keeps the fewest most likely tokens whose share of what top-k kept reaches p, in
///   `(0, 1]`
/// @param minP drops tokens less likely than this times the most likely, in `[0, 1]`
/// @param repetitionPenalty of tokens in prompt or output (Keskar et al. 2019, section 4.1): a
///   positive logit is divided by it, a negative multiplied; in `(0, 10]`, 1 is none
/// @param presencePenalty subtracted from the logit of each token in the output, in `[-2, 2]`
/// @param frequencyPenalty subtracted once per occurrence in the output, in `[-2, 2]`
/// @param seed key of the random numbers ([Philox]); answers with equal seeds are equal
/// @param stop strings that end the answer and are not in it, at most 16 of 1 to 256 chars
/// @param stopTokenIds tokens that end the answer besides the model's own, at most 1024
/// @param logitBias added to logits by token id, at most 1024 entries in `[-100, 100]`
public record Sampling(
    int maxTokens,
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    float presencePenalty,
    float frequencyPenalty,
    long seed,
    List<String> stop,
    Set<Integer> stopTokenIds,
    Map<Integer, Float> logitBias) {
  /// Most stop strings.
  public static final int MAX_STOPS = 16;

  /// Most UTF-16 units of a stop string.
  public static final int MAX_STOP_CHARS = 256;

  /// Most entries of `stopTokenIds`, and of `logitBias`.
  public static final int MAX_TOKEN_IDS = 1024;

  public Sampling {
    stop = List.copyOf(stop);
    stopTokenIds = Set.copyOf(stopTokenIds);
    logitBias = Map.copyOf(logitBias);
    check(maxTokens >= 1, "max_tokens", maxTokens, "at least 1");
    check(temperature >= 0 && temperature <= 100, "temperature", temperature, "between 0 and 100");
    check(topK >= 0, "top_k", topK, "0 or more");
    check(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
    check(minP >= 0 && minP <= 1, "min_p", minP, "between 0 and 1");
    check(
        repetitionPenalty > 0 && repetitionPenalty <= 10,
        "repetition_penalty",
        repetitionPenalty,
        "above 0 and at most 10");
    check(Math.abs(presencePenalty) <= 2, "presence_penalty", presencePenalty, "between -2 and 2");
    check(
        Math.abs(frequencyPenalty) <= 2, "frequency_penalty", frequencyPenalty, "between -2 and 2");
    checkStops(stop, stopTokenIds);
    check(
        logitBias.size() <= MAX_TOKEN_IDS, "logit_bias", logitBias.size(), "at most 1024 entries");
    logitBias.forEach(
        (id, bias) -> {
          String field = "logit_bias[" + id + "]";
          check(id >= 0, field, id, "a token id");
          check(Math.abs(bias) <= 100, field, bias, "between -100 and 100");
        });
  }

  /// The most likely tokens, at most `maxTokens` of them.
  public static Sampling greedy(int maxTokens) {
    return new Sampling(maxTokens, 0, 0, 1, 0, 1, 0, 0, 0, List.of(), Set.of(), Map.of());
  }

  /// The same without bias; itself where it has none.
  Sampling unbiased() {
    return logitBias.isEmpty()
        ? this
        : new Sampling(
            maxTokens,
            temperature,
            topK,
            topP,
            minP,
            repetitionPenalty,
            presencePenalty,
            frequencyPenalty,
            seed,
            stop,
            stopTokenIds,
            Map.of());
  }

  /// The same, bounded by another count of tokens.
  Sampling withMaxTokens(int tokens) {
    return new Sampling(
        tokens,
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        seed,
        stop,
        stopTokenIds,
        logitBias);
  }

  /// Whether earlier tokens change the logits.
  boolean penalises() {
    return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0;
  }

  /// Throws unless every id named is in the vocabulary.
  void checkVocabulary(int vocabulary) {
    String bound = "a token id below " + vocabulary;
    for (int id : stopTokenIds) {
      check(id < vocabulary, "stop_token_ids", id, bound);
    }
    for (int id : logitBias.keySet()) {
      check(id < vocabulary, "logit_bias[" + id + "]", id, bound);
    }
  }

  private static void checkStops(List<String> stop, Set<Integer> stopTokenIds) {
    check(stop.size() <= MAX_STOPS, "stop", stop.size(), "at most 16 strings");
    for (int i = 0; i < stop.size(); i++) {
      String text = stop.get(i);
      String field = "stop[" + i + "]";
      check(
          !text.isEmpty() && text.length() <= MAX_STOP_CHARS,
          field,
          text.length(),
          "1 to 256 characters long");
      // An unpaired surrogate would let released text end inside a character.
      check(
          text.codePoints().noneMatch(c -> Character.getType(c) == Character.SURROGATE),
          field,
          "text",
          "well-formed Unicode");
    }
    check(
        stopTokenIds.size() <= MAX_TOKEN_IDS,
        "stop_token_ids",
        stopTokenIds.size(),
        "at most 1024 ids");
    for (int id : stopTokenIds) {
      check(id >= 0, "stop_token_ids", id, "a token id");
    }
  }

  private static void check(boolean holds, String field, Object value, String wanted) {
    if (!holds) {
      throw new Rejection.InvalidField("sampling." + field, "is " + value + ", must be " + wanted);
    }
  }
}
