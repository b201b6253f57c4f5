package dev.tributary.server.bench;

import com.google.protobuf.Duration;
import dev.tributary.v1.AdapterUse;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.Tier;
import dev.tributary.v1.Timings;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// One stream, timed. gRPC calls it from one thread at a time.
final class LoadCall implements ClientResponseObserver<GenerateRequest, GenerateEvent> {
  /// What came of a call; times in nanoseconds.
  ///
  /// @param due when it should have begun, on [System#nanoTime]
  /// @param firstToken from then to the first token; -1 where there was none
  /// @param gaps between one delta that brought tokens and the next
  /// @param tier where the adapter's weights were; null without an adapter or a start
  /// @param load waiting for the adapter's weights
  /// @param finished the last event came
  record Outcome(
      long due,
      Status status,
      long firstToken,
      Samples gaps,
      int tokens,
      int promptTokens,
      int cachedTokens,
      @Nullable Tier tier,
      long queue,
      long load,
      boolean finished) {}

  private final long due;
  private final LongAdder arrived;
  private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
  private final Samples gaps = new Samples();
  private volatile @Nullable ClientCallStreamObserver<GenerateRequest> stream;
  private long firstToken = -1;
  private long lastToken;
  private int tokens;
  private int promptTokens;
  private int cachedTokens;
  private @Nullable Tier tier;
  private long queue;
  private long load;
  private boolean finished;

  /// @param due when the call should begin, on [System#nanoTime]
  /// @param arrived counts tokens as they come
  LoadCall(long due, LongAdder arrived) {
    this.due = due;
    this.arrived = arrived;
  }

  /// Completes when the stream has ended, however that was.
  CompletableFuture<Outcome> outcome() {
    return outcome;
  }

  void cancel(String why) {
    ClientCallStreamObserver<GenerateRequest> started = stream;
    if (started != null) {
      started.cancel(why, null);
    }
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<GenerateRequest> requestStream) {
    stream = requestStream;
  }

  @Override
  public void onNext(GenerateEvent event) {
    long now = System.nanoTime();
    switch (event.getEventCase()) {
      case STARTED -> {
        promptTokens = event.getStarted().getPromptTokens();
        cachedTokens = event.getStarted().getCachedTokens();
        for (AdapterUse use : event.getStarted().getAdaptersList()) {
          tier = use.getTier();
        }
      }
      case DELTA -> tokens(event.getDelta().getTokenIdsCount(), now);
      case FINISHED -> {
        Timings timings = event.getFinished().getTimings();
        queue = nanos(timings.getQueue());
        load = nanos(timings.getLoad());
        finished = true;
      }
      case EVENT_NOT_SET -> throw new IllegalStateException("an event that is not known");
    }
  }

  private void tokens(int count, long now) {
    if (count == 0) {
      return;
    }
    if (firstToken < 0) {
      firstToken = now - due;
    } else {
      gaps.add(now - lastToken);
    }
    lastToken = now;
    tokens += count;
    arrived.add(count);
  }

  @Override
  public void onError(Throwable error) {
    end(Status.fromThrowable(error));
  }

  @Override
  public void onCompleted() {
    end(finished ? Status.OK : Status.INTERNAL.withDescription("ended without `finished`"));
  }

  private void end(Status status) {
    outcome.complete(
        new Outcome(
            due,
            status,
            firstToken,
            gaps,
            tokens,
            promptTokens,
            cachedTokens,
            tier,
            queue,
            load,
            finished));
  }

  private static long nanos(Duration duration) {
    return duration.getSeconds() * 1_000_000_000L + duration.getNanos();
  }
}
