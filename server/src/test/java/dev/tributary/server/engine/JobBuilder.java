package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.PathRun;
import dev.tributary.server.schedule.Priority;
import dev.tributary.server.schedule.Request;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// A job with all but a few things left at their plainest.
final class JobBuilder {
  private final int[] prompt;
  private Sampling sampling = Sampling.greedy(10);
  private List<AdapterUse> adapters = List.of();
  private OptionalInt logprobs = OptionalInt.empty();
  private OptionalLong timeLimit = OptionalLong.empty();
  private OptionalLong deadline = OptionalLong.empty();
  private Priority priority = Priority.NORMAL;
  private boolean echo;
  private boolean repeatable;
  private List<PathRun> paths = List.of();
  private String tenant = "public";
  private int weight = Request.DEFAULT_WEIGHT;

  private JobBuilder(int[] prompt) {
    this.prompt = prompt;
  }

  static JobBuilder prompt(int... tokens) {
    return new JobBuilder(tokens);
  }

  JobBuilder greedy(int maxTokens) {
    return sampling(Sampling.greedy(maxTokens));
  }

  JobBuilder sampling(Sampling value) {
    sampling = value;
    return this;
  }

  JobBuilder adapters(List<AdapterUse> value) {
    adapters = value;
    return this;
  }

  JobBuilder logprobs(int top) {
    logprobs = OptionalInt.of(top);
    return this;
  }

  JobBuilder timeLimit(long nanos) {
    timeLimit = OptionalLong.of(nanos);
    return this;
  }

  JobBuilder deadline(long nanos) {
    deadline = OptionalLong.of(nanos);
    return this;
  }

  JobBuilder priority(Priority value) {
    priority = value;
    return this;
  }

  JobBuilder echo() {
    echo = true;
    return this;
  }

  JobBuilder repeatable() {
    repeatable = true;
    return this;
  }

  JobBuilder paths(List<PathRun> value) {
    paths = value;
    return this;
  }

  JobBuilder tenant(String value) {
    tenant = value;
    return this;
  }

  JobBuilder weight(int value) {
    weight = value;
    return this;
  }

  Job build() {
    return new Job(
        "test",
        tenant,
        weight,
        prompt,
        adapters,
        sampling,
        logprobs,
        timeLimit,
        deadline,
        priority,
        echo,
        repeatable,
        paths);
  }
}
