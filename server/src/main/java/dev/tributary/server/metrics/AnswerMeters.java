package dev.tributary.server.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;

/// The series of one tenant's use of one adapter.
final class AnswerMeters {
  private final MeterRegistry registry;
  private final Tags tags;
  final Counter promptTokens;
  final Counter cachedTokens;
  final Counter generatedTokens;
  final Timer queue;
  final Timer firstToken;
  final Timer betweenTokens;
  final Timer whole;

  AnswerMeters(MeterRegistry registry, Labels.Pair labels) {
    this.registry = registry;
    tags = Tags.of("tenant", labels.tenant(), "adapter", labels.adapter());
    promptTokens = counter("tributary.prompt.tokens", "Tokens of prompts, cached ones too.");
    cachedTokens =
        counter("tributary.prompt.tokens.cached", "Tokens of prompts that were not computed.");
    generatedTokens = counter("tributary.generation.tokens", "Tokens generated.");
    queue =
        timer(
            "tributary.request.queue.time",
            "From arrival to the first step, without the wait for weights.",
            Buckets.CALL);
    firstToken =
        timer("tributary.time.to.first.token", "From arrival to the first token.", Buckets.CALL);
    betweenTokens =
        timer("tributary.inter.token.latency", "From one token to the next.", Buckets.STEP);
    whole =
        timer("tributary.e2e.request.latency", "Of answers: from arrival to end.", Buckets.CALL);
  }

  /// @param outcome of a fixed set: see [Outcome]
  void ended(String outcome) {
    Counter.builder("tributary.answers")
        .description("Calls that named adapters or the base, by how they ended.")
        .tags(tags)
        .tag("outcome", outcome)
        .register(registry)
        .increment();
  }

  private Counter counter(String name, String description) {
    return Counter.builder(name).description(description).tags(tags).register(registry);
  }

  private Timer timer(String name, String description, Duration[] buckets) {
    return Timer.builder(name)
        .description(description)
        .serviceLevelObjectives(buckets)
        .tags(tags)
        .register(registry);
  }
}
