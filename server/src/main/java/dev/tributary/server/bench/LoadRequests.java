package dev.tributary.server.bench;

import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.Sampling;
import dev.tributary.v1.Tokens;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/// Draws the requests of a load from its seed: prompts of random tokens, adapters by Zipf's law.
/// Thread safe; which caller gets which request is up to their timing.
final class LoadRequests {
  private final LoadPlan plan;
  private final List<String> adapters;
  private final @Nullable Zipf zipf;
  private final RandomGenerator random;
  private final int vocabulary;
  private final Tokens prefix;

  /// @param adapters names, the most popular first; none asks the base alone
  LoadRequests(LoadPlan plan, List<String> adapters, int vocabulary) {
    this.plan = plan;
    this.adapters = List.copyOf(adapters);
    this.vocabulary = vocabulary;
    zipf = adapters.isEmpty() ? null : new Zipf(adapters.size(), plan.zipf());
    random = generator(plan.seed());
    prefix = tokens(random, vocabulary, plan.sharedPrefix()).build();
  }

  /// The generator that everything random in a load comes from.
  static RandomGenerator generator(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  synchronized GenerateRequest next() {
    int length = plan.promptTokens().next(random);
    Sampling.Builder sampling =
        Sampling.newBuilder()
            .setMaxTokens(plan.maxTokens().next(random))
            .setTemperature(plan.temperature());
    if (plan.temperature() > 0) {
      sampling.setSeed(random.nextLong());
    }
    GenerateRequest.Builder request =
        GenerateRequest.newBuilder()
            .setTokens(
                prefix.toBuilder()
                    .mergeFrom(tokens(random, vocabulary, length - plan.sharedPrefix()).build()))
            .setSampling(sampling);
    if (zipf != null) {
      String name = adapters.get(zipf.next(random));
      request.addAdapters(AdapterSelector.newBuilder().setName(name));
    }
    return request.build();
  }

  /// Tokens out of the middle of the vocabulary: control tokens lie at its ends.
  static Tokens.Builder tokens(RandomGenerator random, int vocabulary, int count) {
    Tokens.Builder tokens = Tokens.newBuilder();
    for (int i = 0; i < count; i++) {
      tokens.addIds(random.nextInt(vocabulary / 4, vocabulary - vocabulary / 4));
    }
    return tokens;
  }
}
