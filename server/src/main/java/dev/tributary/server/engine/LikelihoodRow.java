package dev.tributary.server.engine;

import dev.tributary.server.schedule.Plan;
import dev.tributary.server.schedule.Sequence;
import java.util.concurrent.CompletableFuture;

/// An answer that has ended, of whose tokens it is asked how they would be drawn.
final class LikelihoodRow extends Row {
  private final LikelihoodJob job;
  private final CompletableFuture<float[]> result;
  private final TokenCounts counts;
  private final float[] drawn;
  private int found;

  /// @param sequence of all of the job's tokens but the last
  LikelihoodRow(
      Sequence sequence, long submitted, LikelihoodJob job, CompletableFuture<float[]> result) {
    super(sequence, job.id(), job.adapters(), submitted, job.deadlineNanos());
    this.job = job;
    this.result = result;
    counts = new TokenCounts(job.sampling().penalises() ? job.prompt() : new int[0]);
    drawn = new float[job.output().length];
  }

  @Override
  void started(long now) {}

  @Override
  void sample(Sampler sampler, Logits logits, Plan.Slice slice) {
    int first = Math.max(slice.position(), slice.logitsFrom());
    for (int at = first; at < slice.end(); at++) {
      sampler.read(logits.row(at - first));
      int token = job.output()[found];
      drawn[found++] = sampler.probability(token, job.sampling(), counts);
      counts.add(token);
    }
  }

  @Override
  boolean publish(long now) {
    if (found < drawn.length) {
      return false;
    }
    result.complete(drawn);
    return true;
  }

  @Override
  boolean expire(long now) {
    return false;
  }

  @Override
  void fail(Failure failure) {
    result.completeExceptionally(new JobFailedException(failure));
  }
}
