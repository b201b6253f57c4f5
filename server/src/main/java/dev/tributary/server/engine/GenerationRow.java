package dev.tributary.server.engine;

import dev.tributary.server.engine.Observer.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// An answer being written: samples its tokens, turns them into text, knows when to stop.
final class GenerationRow extends Row {
  private final Job job;
  private final Sampling sampling;
  private final Observer observer;
  private final Set<Integer> modelStopIds;
  private final TokenText.Decoder decoder;
  private final StopText stopText;
  private final TokenCounts counts;

  /// What the last step found and [#publish] has not told yet.
  private final List<Integer> newTokens = new ArrayList<>();

  private final List<TokenLogprob> newLogprobs = new ArrayList<>();
  private final StringBuilder newText = new StringBuilder();
  private @Nullable Reason reason;

  private int generated;
  private long startedAt;
  private long firstTokenAt;

  /// @param sampling the job's, with max_tokens clipped to the context
  GenerationRow(
      long id, long submitted, Job job, Sampling sampling, Observer observer, TokenText text) {
    super(
        id, job.id(), job.priority(), job.adapters(), submitted, job.deadlineNanos(), job.prompt());
    this.job = job;
    this.sampling = sampling;
    this.observer = observer;
    modelStopIds = text.stopIds();
    decoder = job.echo() ? text.decoder() : text.decoder(job.prompt());
    stopText = new StopText(sampling.stop());
    counts = new TokenCounts(sampling.penalises() ? job.prompt() : new int[0]);
  }

  @Override
  int promptTokens() {
    return job.prompt().length;
  }

  @Override
  int maxTokens() {
    return sampling.maxTokens();
  }

  @Override
  int logitsFrom() {
    return job.echo() && job.logprobs().isPresent() ? 0 : promptTokens() - 1;
  }

  @Override
  void started(long now) {
    startedAt = now;
    observer.onStarted(
        new Observer.Started(now - submitted, promptTokens(), 0, sampling.maxTokens()));
  }

  @Override
  void sample(Sampler sampler, Logits logits, int position, int count) {
    int firstRow = Math.max(position, logitsFrom());
    if (job.echo() && position < promptTokens()) {
      echo(sampler, logits, position, count, firstRow);
    }
    if (position + count < length()) {
      return; // More of the prompt is to come.
    }
    sampler.read(logits.row(position + count - 1 - firstRow));
    int id = sampler.choose(sampling, counts, generated);
    addToken(sampler, id);
    append(id);
    counts.add(id);
    generated++;
    reason = accept(id);
  }

  @Override
  boolean publish(long now) {
    if (generated == 1 && !newTokens.isEmpty()) {
      firstTokenAt = now;
    }
    if (!newTokens.isEmpty() || !newText.isEmpty()) {
      observer.onDelta(new Observer.Delta(newText.toString(), newTokens, newLogprobs));
      newTokens.clear();
      newLogprobs.clear();
      newText.setLength(0);
    }
    if (reason == null) {
      return false;
    }
    observer.onFinished(
        new Observer.Finished(
            reason, new Observer.Usage(promptTokens(), 0, generated), timings(now)));
    return true;
  }

  @Override
  boolean expire(long now) {
    if (!admitted
        || job.timeLimitNanos().isEmpty()
        || now - startedAt < job.timeLimitNanos().getAsLong()) {
      return false;
    }
    reason = end(Reason.TIME_LIMIT);
    return publish(now);
  }

  @Override
  void fail(Failure failure) {
    observer.onFailed(failure);
  }

  /// Repeats the prompt: the logits of a token tell how likely the next one was, so a chunk reaches
  /// one token further than it computes.
  private void echo(Sampler sampler, Logits logits, int position, int count, int firstRow) {
    boolean logprobs = job.logprobs().isPresent();
    if (position == 0) {
      newTokens.add(token(0));
      newText.append(decoder.push(token(0)));
      if (logprobs) {
        newLogprobs.add(new TokenLogprob(token(0), Float.NaN, List.of()));
      }
    }
    for (int at = position + 1; at <= position + count && at < promptTokens(); at++) {
      newText.append(decoder.push(token(at)));
      if (logprobs) {
        sampler.read(logits.row(at - 1 - firstRow));
      }
      addToken(sampler, token(at));
    }
  }

  private void addToken(Sampler sampler, int id) {
    newTokens.add(id);
    if (job.logprobs().isPresent()) {
      newLogprobs.add(sampler.logprob(id, job.logprobs().getAsInt()));
    }
  }

  /// Takes a generated token into the text; returns why the answer ends with it, or null.
  private @Nullable Reason accept(int id) {
    if (modelStopIds.contains(id) || sampling.stopTokenIds().contains(id)) {
      return end(Reason.STOP);
    }
    newText.append(stopText.push(decoder.push(id)));
    if (stopText.matched()) {
      return Reason.STOP_SEQUENCE;
    }
    return generated == sampling.maxTokens() ? end(Reason.LENGTH) : null;
  }

  /// Releases what is held back.
  private Reason end(Reason why) {
    newText.append(stopText.push(decoder.finish())).append(stopText.flush());
    return stopText.matched() ? Reason.STOP_SEQUENCE : why;
  }

  private Observer.Timings timings(long now) {
    long queue = startedAt - submitted;
    if (generated == 0) {
      return new Observer.Timings(queue, now - startedAt, 0, 0);
    }
    return new Observer.Timings(
        queue, firstTokenAt - startedAt, now - firstTokenAt, firstTokenAt - submitted);
  }
}
