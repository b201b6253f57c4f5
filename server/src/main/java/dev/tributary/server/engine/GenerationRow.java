package dev.tributary.server.engine;

import dev.tributary.server.engine.Observer.Reason;
import dev.tributary.server.schedule.Plan;
import dev.tributary.server.schedule.Sequence;
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
  private final DrawnTokens drawn;

  /// What the last step found and [#publish] has not told yet.
  private final List<Integer> newTokens = new ArrayList<>();

  private final List<TokenLogprob> newLogprobs = new ArrayList<>();
  private final StringBuilder newText = new StringBuilder();
  private @Nullable Reason reason;

  private int generated;
  private long startedAt;
  private long firstTokenAt;

  /// @param sequence of the job's prompt
  /// @param sampling the job's, with max_tokens clipped to the context
  GenerationRow(
      Sequence sequence,
      long submitted,
      Job job,
      Sampling sampling,
      Observer observer,
      TokenText text) {
    super(sequence, job.id(), job.adapters(), submitted, job.deadlineNanos());
    this.job = job;
    this.sampling = sampling;
    this.observer = observer;
    modelStopIds = text.stopIds();
    decoder = job.echo() ? text.decoder() : text.decoder(job.prompt());
    stopText = new StopText(sampling.stop());
    counts = new TokenCounts(sampling.penalises() ? job.prompt() : new int[0]);
    drawn = new DrawnTokens(sampling);
  }

  @Override
  void started(long now) {
    startedAt = now;
    observer.onStarted(
        new Observer.Started(
            now - submitted, promptTokens(), sequence.cachedTokens(), sampling.maxTokens()));
    if (job.echo() && job.logprobs().isEmpty()) {
      echo();
    }
  }

  @Override
  void sample(Sampler sampler, Logits logits, Plan.Slice slice) {
    int firstRow = Math.max(slice.position(), slice.logitsFrom());
    if (job.echo() && job.logprobs().isPresent() && firstRow < promptTokens()) {
      echo(sampler, logits, firstRow, slice.end());
    }
    if (slice.end() < sequence.length()) {
      return; // More of the prompt is to come.
    }
    sampler.read(logits.row(slice.end() - 1 - firstRow));
    int id = sampler.choose(sampling, counts, generated);
    addToken(sampler, id);
    drawn.add(sampler, id, counts);
    sequence.append(id);
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
      observer.onDelta(
          new Observer.Delta(newText.toString(), newTokens, newLogprobs, reason != null));
      newTokens.clear();
      newLogprobs.clear();
      newText.setLength(0);
    }
    if (reason == null) {
      return false;
    }
    observer.onFinished(
        new Observer.Finished(
            reason,
            new Observer.Usage(promptTokens(), sequence.cachedTokens(), generated),
            timings(now),
            sequence.paths(),
            drawn.probabilities()));
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
    observer.onFailed(failure, sequence.paths(), drawn.probabilities());
  }

  private int promptTokens() {
    return sequence.promptTokens();
  }

  /// Repeats the prompt, which needs none of its logits.
  private void echo() {
    for (int at = 0; at < promptTokens(); at++) {
      newTokens.add(sequence.token(at));
      newText.append(decoder.push(sequence.token(at)));
    }
  }

  /// Repeats the prompt with its logprobs: the logits of tokens `[from, end)` tell how likely each
  /// one's next was.
  private void echo(Sampler sampler, Logits logits, int from, int end) {
    if (from == 0) {
      int first = sequence.token(0);
      newTokens.add(first);
      newText.append(decoder.push(first));
      newLogprobs.add(new TokenLogprob(first, Float.NaN, List.of()));
    }
    for (int at = from + 1; at <= end && at < promptTokens(); at++) {
      newText.append(decoder.push(sequence.token(at)));
      sampler.read(logits.row(at - 1 - from));
      addToken(sampler, sequence.token(at));
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
