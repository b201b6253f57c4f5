package dev.tributary.server.bench;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a load is made of.
///
/// @param rate arrivals a second of a Poisson process; null for a fixed number of callers
/// @param callers that each wait for their answer before they ask again; null for a rate
/// @param adapters registered; 0 asks the base alone
/// @param zipf exponent by which they are named
/// @param sharedPrefix first tokens of every prompt that are the same in all
/// @param temperature 0 is greedy
/// @param warmUp calls that are due before this has passed don't count
/// @param duration of what counts
record LoadPlan(
    @Nullable Double rate,
    @Nullable Integer callers,
    int adapters,
    double zipf,
    TokenRange promptTokens,
    TokenRange maxTokens,
    int sharedPrefix,
    float temperature,
    Duration warmUp,
    Duration duration,
    long seed) {
  private static final int MOST_CALLERS = 1_000;
  private static final int MOST_RATE = 100_000;

  LoadPlan {
    if ((rate == null) == (callers == null)) {
      throw new IllegalArgumentException("either a rate or a number of callers");
    }
    if (rate != null && (!(rate > 0) || rate > MOST_RATE)) {
      throw new IllegalArgumentException(
          "--rate " + rate + " is not above 0, at most " + MOST_RATE);
    }
    if (callers != null && (callers < 1 || callers > MOST_CALLERS)) {
      throw new IllegalArgumentException(
          "--callers " + callers + " is not between 1 and " + MOST_CALLERS);
    }
    if (adapters < 0 || adapters > AdaptersCommand.MOST) {
      throw new IllegalArgumentException(
          "--adapters " + adapters + " is not between 0 and " + AdaptersCommand.MOST);
    }
    if (sharedPrefix < 0 || sharedPrefix >= promptTokens.from()) {
      throw new IllegalArgumentException(
          "--shared-prefix " + sharedPrefix + " must be shorter than a prompt, " + promptTokens);
    }
    if (duration.isZero()) {
      throw new IllegalArgumentException("--duration must be above 0");
    }
  }

  /// The same as the report writes it: what was not given is left out, times are in seconds.
  Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    if (rate != null) {
      settings.put("rate", rate);
    }
    if (callers != null) {
      settings.put("callers", callers);
    }
    settings.put("adapters", adapters);
    settings.put("zipf", zipf);
    settings.put("prompt_tokens", promptTokens.toString());
    settings.put("max_tokens", maxTokens.toString());
    settings.put("shared_prefix", sharedPrefix);
    settings.put("temperature", temperature);
    settings.put("warm_up", warmUp.toSeconds());
    settings.put("duration", duration.toSeconds());
    settings.put("seed", seed);
    return settings;
  }
}
