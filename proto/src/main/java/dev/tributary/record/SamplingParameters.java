package dev.tributary.record;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// How tokens were chosen, every value resolved; the API's `Sampling` says what they mean.
///
/// @param seed all 64 bits
/// @param logitBias by token id, ascending
public record SamplingParameters(
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
    List<Integer> stopTokenIds,
    SortedMap<Integer, Float> logitBias) {

  public SamplingParameters {
    stop = List.copyOf(stop);
    stopTokenIds = List.copyOf(stopTokenIds);
    logitBias = Collections.unmodifiableSortedMap(new TreeMap<>(logitBias));
  }

  void encode(Encoder out) {
    out.u32(maxTokens)
        .f32(temperature)
        .u32(topK)
        .f32(topP)
        .f32(minP)
        .f32(repetitionPenalty)
        .f32(presencePenalty)
        .f32(frequencyPenalty)
        .u64(seed)
        .list(stop, Encoder::text)
        .list(stopTokenIds, (to, id) -> to.u32(id))
        .list(List.copyOf(logitBias.entrySet()), SamplingParameters::encode);
  }

  private static void encode(Encoder out, Map.Entry<Integer, Float> bias) {
    out.u32(bias.getKey()).f32(bias.getValue());
  }

  static SamplingParameters decode(Decoder in) {
    return new SamplingParameters(
        in.u31(),
        in.f32(),
        in.u31(),
        in.f32(),
        in.f32(),
        in.f32(),
        in.f32(),
        in.f32(),
        in.u64(),
        in.list(Decoder::text),
        in.list(Decoder::u31),
        logitBias(in));
  }

  private static SortedMap<Integer, Float> logitBias(Decoder in) {
    SortedMap<Integer, Float> bias = new TreeMap<>();
    int count = in.u31();
    for (int i = 0; i < count; i++) {
      int id = in.u31();
      in.check(bias.isEmpty() || bias.lastKey() < id, "logit bias is not ascending by token");
      bias.put(id, in.f32());
    }
    return bias;
  }
}
