package dev.tributary.server.engine;

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

  ScoreRow(long id, long submitted, ScoreJob job, CompletableFuture<ScoreJob.Scores> result) {
    super(
        id, job.id(), job.priority(), job.adapters(), submitted, job.deadlineNanos(), job.tokens());
    this.job = job;
    this.result = result;
  }

  @Override
  int promptTokens() {
    return length() - 1;
  }

  @Override
  int maxTokens() {
    return 0;
  }

  @Override
  int logitsFrom() {
    return job.from() - 1;
  }

  @Override
  void started(long now) {}

  @Override
  void sample(Sampler sampler, Logits logits, int position, int count) {
    int first = Math.max(position, logitsFrom());
    for (int at = first; at < position + count; at++) {
      sampler.read(logits.row(at - first));
      int token = token(at + 1);
      TokenLogprob score = sampler.logprob(token, job.topN());
      scores.add(score);
      sum += score.logprob();
      greedy &= sampler.best() == token;
    }
  }

  @Override
  boolean publish(long now) {
    if (scores.size() < length() - job.from()) {
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
