package dev.tributary.server.engine;

import dev.tributary.server.schedule.Plan;
import dev.tributary.server.schedule.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// Given tokens whose likelihood is wanted. The last is only looked up, never computed.
final class ScoreRow extends Row {
  private final ScoreJob job;
  private final CompletableFuture<ScoreJob.Scores> result;
  private final List<TokenLogprob> scores = new ArrayList<>();
  private double sum;
  private boolean greedy = true;

  /// @param sequence of all of the job's tokens but the last
  ScoreRow(
      Sequence sequence, long submitted, ScoreJob job, CompletableFuture<ScoreJob.Scores> result) {
    super(sequence, job.id(), job.adapters(), submitted, job.deadlineNanos());
    this.job = job;
    this.result = result;
  }

  @Override
  void started(long now) {}

  @Override
  void sample(Sampler sampler, Logits logits, Plan.Slice slice) {
    int first = Math.max(slice.position(), slice.logitsFrom());
    for (int at = first; at < slice.end(); at++) {
      sampler.read(logits.row(at - first));
      int token = job.tokens()[at + 1];
      TokenLogprob score = sampler.logprob(token, job.topN());
      scores.add(score);
      sum += score.logprob();
      greedy &= sampler.best() == token;
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
