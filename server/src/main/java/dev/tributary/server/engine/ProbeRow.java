package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.Priority;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/// A prompt whose last logits are wanted.
final class ProbeRow extends Row {
  private final CompletableFuture<float[]> result;
  private float[] logits = {};

  ProbeRow(
      long id,
      long submitted,
      int[] prompt,
      List<AdapterUse> adapters,
      CompletableFuture<float[]> result) {
    super(id, "probe", Priority.HIGH, adapters, submitted, OptionalLong.empty(), prompt);
    this.result = result;
  }

  @Override
  int promptTokens() {
    return length();
  }

  @Override
  int maxTokens() {
    return 0;
  }

  @Override
  int logitsFrom() {
    return length() - 1;
  }

  @Override
  void started(long now) {}

  @Override
  void sample(Logits read, int position, int count) {
    if (position + count == length()) {
      logits = read.row(0).clone();
    }
  }

  @Override
  boolean publish(long now) {
    if (logits.length == 0) {
      return false;
    }
    result.complete(logits);
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
