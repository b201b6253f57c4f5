package dev.tributary.client.cli;

import dev.tributary.v1.Sampling;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The sampling flags; what is not given is the server's choice.
final class SamplingOptions {
  @Option(names = "--max-tokens", paramLabel = "N", description = "Most tokens to generate.")
  private @Nullable Integer maxTokens;

  @Option(names = "--temperature", paramLabel = "T", description = "0 is greedy.")
  private @Nullable Float temperature;

  @Option(names = "--top-k", paramLabel = "K", description = "Keep the K most probable tokens.")
  private @Nullable Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Keep the smallest set of tokens with this probability.")
  private @Nullable Float topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Keep tokens with this fraction of the top one's probability.")
  private @Nullable Float minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "Above 1: make what was said less likely.")
  private @Nullable Float repetitionPenalty;

  @Option(names = "--seed", paramLabel = "N", description = "Same seed, same answer.")
  private @Nullable Long seed;

  @Option(
      names = "--stop",
      paramLabel = "STRING",
      description = "End before this string; may be repeated.")
  private List<String> stop = List.of();

  Sampling sampling() {
    Sampling.Builder sampling = Sampling.newBuilder().addAllStop(stop);
    if (maxTokens != null) {
      sampling.setMaxTokens(maxTokens);
    }
    if (temperature != null) {
      sampling.setTemperature(temperature);
    }
    if (topK != null) {
      sampling.setTopK(topK);
    }
    if (topP != null) {
      sampling.setTopP(topP);
    }
    if (minP != null) {
      sampling.setMinP(minP);
    }
    if (repetitionPenalty != null) {
      sampling.setRepetitionPenalty(repetitionPenalty);
    }
    if (seed != null) {
      sampling.setSeed(seed);
    }
    return sampling.build();
  }
}
