package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.Priority;
import java.util.List;
import java.util.OptionalLong;

/// Asks how likely given tokens are.
///
/// @param weight the tenant's share of the machine under load, in [1, 1000]
/// @param tokens input and completion, token ids
/// @param from index of the first token to score, at least 1: a token needs one before it
/// @param topN alternatives to report beside each token, 0 to 20
/// @param deadlineNanos on the engine's clock; then the job fails
/// @param repeatable the scores must not depend on what else runs, at the price of speed
public record ScoreJob(
    String id,
    String tenant,
    int weight,
    int[] tokens,
    int from,
    List<AdapterUse> adapters,
    int topN,
    OptionalLong deadlineNanos,
    Priority priority,
    boolean repeatable) {
  public ScoreJob {
    tokens = tokens.clone();
    adapters = List.copyOf(adapters);
    if (from < 1) {
      throw new Rejection.InvalidField("input", "is empty, must have at least one token");
    }
    if (from >= tokens.length) {
      throw new Rejection.InvalidField("completion", "is empty, must have at least one token");
    }
    Job.checkLogprobs("top_n", topN);
  }

  /// @param tokens `[from, n)` in order
  /// @param sum of the log probabilities, in the order of the tokens
  /// @param greedy every token is the most likely at its place
  public record Scores(List<TokenLogprob> tokens, double sum, boolean greedy) {
    public Scores {
      tokens = List.copyOf(tokens);
    }
  }
}
