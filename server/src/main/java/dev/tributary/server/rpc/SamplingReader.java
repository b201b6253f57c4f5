package dev.tributary.server.rpc;

import com.google.protobuf.ByteString;
import dev.tributary.server.engine.Sampling;
import java.util.HashSet;
import java.util.Set;
import java.util.function.LongSupplier;

/// Turns the sampling of a request into what will be applied, and back for `started`.
final class SamplingReader {
  /// Bytes of one stop string, in UTF-8.
  static final int MAX_STOP_BYTES = Sampling.MAX_STOP_CHARS;

  private final GenerationDefaults defaults;
  private final LongSupplier seeds;

  /// @param seeds for requests that bring none
  SamplingReader(GenerationDefaults defaults, LongSupplier seeds) {
    this.defaults = defaults;
    this.seeds = seeds;
  }

  /// Request over defaults. Throws INVALID_ARGUMENT for what can be seen without the vocabulary, or
  /// a [dev.tributary.server.engine.Rejection] that names the field.
  Sampling resolve(dev.tributary.v1.Sampling asked) {
    for (int i = 0; i < asked.getStopCount(); i++) {
      ByteString stop = asked.getStopBytes(i);
      if (stop.size() > MAX_STOP_BYTES) {
        throw Statuses.invalid(
            "sampling.stop[" + i + "]",
            "has " + stop.size() + " bytes, must have at most " + MAX_STOP_BYTES);
      }
    }
    Set<Integer> stopIds = new HashSet<>(asked.getStopTokenIdsList());
    float temperature = asked.hasTemperature() ? asked.getTemperature() : defaults.temperature();
    return new Sampling(
        asked.hasMaxTokens() ? asked.getMaxTokens() : defaults.maxTokens(),
        temperature,
        asked.hasTopK() ? asked.getTopK() : defaults.topK(),
        asked.hasTopP() ? asked.getTopP() : defaults.topP(),
        asked.hasMinP() ? asked.getMinP() : defaults.minP(),
        asked.hasRepetitionPenalty() ? asked.getRepetitionPenalty() : defaults.repetitionPenalty(),
        asked.getPresencePenalty(),
        asked.getFrequencyPenalty(),
        asked.hasSeed() ? asked.getSeed() : temperature == 0 ? 0 : seeds.getAsLong(),
        asked.getStopList(),
        stopIds,
        asked.getLogitBiasMap());
  }

  /// Every field as applied; greedy needs no seed and states none.
  ///
  /// @param maxTokens clipped to the context
  static dev.tributary.v1.Sampling applied(Sampling sampling, int maxTokens) {
    dev.tributary.v1.Sampling.Builder applied =
        dev.tributary.v1.Sampling.newBuilder()
            .setMaxTokens(maxTokens)
            .setTemperature(sampling.temperature())
            .setTopK(sampling.topK())
            .setTopP(sampling.topP())
            .setMinP(sampling.minP())
            .setRepetitionPenalty(sampling.repetitionPenalty())
            .setPresencePenalty(sampling.presencePenalty())
            .setFrequencyPenalty(sampling.frequencyPenalty())
            .addAllStop(sampling.stop())
            .putAllLogitBias(sampling.logitBias());
    sampling.stopTokenIds().stream().sorted().forEach(applied::addStopTokenIds);
    if (sampling.temperature() > 0) {
      applied.setSeed(sampling.seed());
    }
    return applied.build();
  }

  /// What a request without sampling gets.
  dev.tributary.v1.Sampling defaults() {
    Sampling sampling = resolve(dev.tributary.v1.Sampling.getDefaultInstance());
    return applied(sampling, sampling.maxTokens()).toBuilder().clearSeed().build();
  }
}
