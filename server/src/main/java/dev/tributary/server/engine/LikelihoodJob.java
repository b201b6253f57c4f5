package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.PathRun;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/// Asks with what probability each token of an answer would have been drawn, by the base or with
/// other adapters than it was: for that, its place in the queue is behind everything else of the
/// tenant.
///
/// With the adapters and paths of the generation itself the answer is what
/// [Observer.Finished#drawn] told, to the bit.
///
/// @param id of the generation, for logs
/// @param tenant whose it is
/// @param weight the tenant's share of the machine under load, in [1, 1000]
/// @param prompt token ids, at least one
/// @param output token ids, at least one; the last is only looked up, never computed
/// @param adapters deltas added in this order; empty is the base
/// @param sampling how the output was drawn: temperature, truncation and penalties count, bias is
///   left out
/// @param deadlineNanos on the engine's clock; then the job fails
/// @param paths that the first tokens must take, of the generation's record; empty leaves the path
///   open, which is faster
@SuppressWarnings("ArrayRecordComponent") // never compared
public record LikelihoodJob(
    String id,
    String tenant,
    int weight,
    int[] prompt,
    int[] output,
    List<AdapterUse> adapters,
    Sampling sampling,
    OptionalLong deadlineNanos,
    List<PathRun> paths) {
  public LikelihoodJob {
    prompt = prompt.clone();
    output = output.clone();
    adapters = List.copyOf(adapters);
    paths = List.copyOf(paths);
    sampling = sampling.unbiased();
    if (prompt.length == 0) {
      throw new Rejection.InvalidField("input", "is empty, must have at least one token");
    }
    if (output.length == 0) {
      throw new Rejection.InvalidField("output", "is empty, must have at least one token");
    }
  }

  /// All tokens but the last.
  int[] computed() {
    int[] tokens = Arrays.copyOf(prompt, prompt.length + output.length - 1);
    System.arraycopy(output, 0, tokens, prompt.length, output.length - 1);
    return tokens;
  }
}
