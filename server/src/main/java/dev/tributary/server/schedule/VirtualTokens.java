package dev.tributary.server.schedule;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/// What each tenant was served, in virtual tokens: the counters of Sheng et al., "Fairness in
/// Serving Large Language Models" (OSDI 2024), algorithm 2.
///
/// The tenant whose counter is the least is served next, so those that always have something
/// waiting get service by their weights, whatever the number and length of their requests: a
/// counter grows by the tokens divided by the weight (the paper's section 4.3).
final class VirtualTokens {
  /// A token of the prompt that is computed; the paper's w_p.
  static final int INPUT = 1;

  /// A token that is generated; the paper's w_q.
  static final int OUTPUT = 2;

  /// What a token adds to the counter of a tenant of weight 1. Dividing by a weight loses less than
  /// a hundredth.
  private static final long UNIT = 100L * Request.MAX_WEIGHT;

  /// One entry for each tenant seen; there are as many as are configured.
  private final Map<String, Long> counters = new HashMap<>();

  /// The counter of the last tenant of which nothing waited any more.
  private long lastLeft;

  long of(String tenant) {
    return counters.getOrDefault(tenant, 0L);
  }

  /// A tenant that had nothing waiting has now: it keeps no credit for its absence.
  ///
  /// @param waiting tenants that have something waiting, without this one
  void lift(String tenant, Collection<String> waiting) {
    long least = waiting.stream().mapToLong(this::of).min().orElse(lastLeft);
    counters.merge(tenant, least, Math::max);
  }

  /// Nothing of the tenant waits any more.
  void left(String tenant) {
    lastLeft = of(tenant);
  }

  void charge(String tenant, int weight, long tokens) {
    counters.merge(tenant, tokens * UNIT / weight, Long::sum);
  }
}
