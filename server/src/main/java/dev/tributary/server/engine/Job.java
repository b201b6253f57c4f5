package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.PathRun;
import dev.tributary.server.schedule.Priority;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// A generation to run.
///
/// @param id of the generation, for logs
/// @param tenant whose it is
/// @param weight the tenant's share of the machine under load, in [1, 1000]
/// @param prompt token ids, at least one
/// @param adapters deltas added in this order; empty is the base
/// @param logprobs alternatives to report beside each token's logprob, 0 to 20; empty reports none
/// @param timeLimitNanos from leaving the queue; then the answer ends with what it has
/// @param deadlineNanos on the engine's clock; then the job fails
/// @param echo deltas repeat the prompt first, its logprobs too where asked for; stop strings are
///   not looked for in it
/// @param repeatable the answer must not depend on what else runs, at the price of speed
/// @param paths that the first tokens must take, of a record that is followed; empty where none is
public record Job(
    String id,
    String tenant,
    int weight,
    int[] prompt,
    List<AdapterUse> adapters,
    Sampling sampling,
    OptionalInt logprobs,
    OptionalLong timeLimitNanos,
    OptionalLong deadlineNanos,
    Priority priority,
    boolean echo,
    boolean repeatable,
    List<PathRun> paths) {
  /// Most alternatives a token.
  public static final int MAX_LOGPROBS = 20;

  public Job {
    prompt = prompt.clone();
    adapters = List.copyOf(adapters);
    paths = List.copyOf(paths);
    if (prompt.length == 0) {
      throw new Rejection.InvalidField("input", "is empty, must have at least one token");
    }
    if (logprobs.isPresent()) {
      checkLogprobs("output.logprobs", logprobs.getAsInt());
    }
    if (timeLimitNanos.isPresent() && timeLimitNanos.getAsLong() <= 0) {
      throw new Rejection.InvalidField("time_limit", "must be above 0");
    }
  }

  static void checkLogprobs(String field, int count) {
    if (count < 0 || count > MAX_LOGPROBS) {
      throw new Rejection.InvalidField(
          field, "is " + count + ", must be between 0 and " + MAX_LOGPROBS);
    }
  }
}
