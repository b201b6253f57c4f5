package dev.tributary.server.engine;

import dev.tributary.server.schedule.PathRun;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Keeps what an observer is told, and checks the order of the calls.
final class Recorder implements Observer {
  final List<Delta> deltas = new ArrayList<>();
  final CompletableFuture<Object> end = new CompletableFuture<>();
  @Nullable Started started;

  /// What a failed answer's tokens took.
  List<PathRun> paths = List.of();

  /// With what probability a failed answer's tokens were drawn.
  float[] drawn = {};

  @Override
  public void onStarted(Started event) {
    check(started == null && !end.isDone());
    started = event;
  }

  @Override
  public void onDelta(Delta delta) {
    check(started != null && !end.isDone() && (deltas.isEmpty() || !deltas.getLast().last()));
    deltas.add(delta);
  }

  @Override
  public void onFinished(Finished finished) {
    check(started != null && end.complete(finished));
  }

  @Override
  public void onFailed(Failure failure, List<PathRun> taken, float[] probabilities) {
    paths = taken;
    drawn = probabilities;
    check(end.complete(failure));
  }

  String text() {
    StringBuilder text = new StringBuilder();
    deltas.forEach(delta -> text.append(delta.text()));
    return text.toString();
  }

  List<Integer> tokens() {
    return deltas.stream().flatMap(delta -> delta.tokenIds().stream()).toList();
  }

  List<TokenLogprob> logprobs() {
    return deltas.stream().flatMap(delta -> delta.logprobs().stream()).toList();
  }

  /// How it finished.
  Finished finished() {
    return (Finished) end.getNow(new Failure.Internal(new AssertionError("still running")));
  }

  /// How it failed, or null.
  @Nullable Failure failure() {
    return end.getNow("") instanceof Failure failure ? failure : null;
  }

  private static void check(boolean inOrder) {
    if (!inOrder) {
      throw new AssertionError("calls out of order");
    }
  }
}
