package dev.tributary.server.engine;

import dev.tributary.server.schedule.Plan;
import dev.tributary.server.schedule.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// Given tokens whose likelihood is wanted. The last is only looked up, never computed.
final class ScoreRow extends Row {
  private final ScoreJob job;
  private final Sampler sampler;
  private final CompletableFuture<ScoreJob.Scores> result;
  private final List<TokenLogprob> scores = new ArrayList<>();
  private double sum;
  private boolean greedy = true;

  /// @param sequence of all of the job's tokens but the last
  ScoreRow(
      Sequence sequence,
      long submitted,
      ScoreJob job,
      Sampler sampler,
      CompletableFuture<ScoreJob.Scores> result) {
    super(sequence, job.id(), job.adapters(), submitted, job.deadlineNanos());
    this.job = job;
    this.sampler = sampler;
    this.result = result;
  }

  @Override
  void started(long now) {}

  @Override
  void sample(Logits logits, Plan.Slice slice) {
    int first = Math.max(slice.position(), slice.logitsFrom());
    for (int at = first; at < slice.end(); at++) {
      float[] row = logits.row(at - first);
      int token = job.tokens()[at + 1];
      TokenLogprob score = sampler.logprob(row, token, job.topN());
      scores.add(score);
      sum += score.logprob();
      greedy &= Softmax.argMax(row) == token;
    }
  }

  @Override
  boolean publish(long now) {
    if (scores.size() < job.tokens().length - job.from()) {
      return false;
    }
    result.complete(new ScoreJob.Scores(scores, sum, greedy));
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
