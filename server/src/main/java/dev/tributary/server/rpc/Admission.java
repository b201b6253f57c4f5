package dev.tributary.server.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.server.schedule.SharedPlaces;
import dev.tributary.v1.InferenceGrpc;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Lets calls in while the server serves, and at most so many at a time: each holds a message. No
/// tenant can take all of them. Stands behind [Callers].
final class Admission implements ServerInterceptor {
  /// What the server is ready for.
  enum Phase {
    WARMING,
    SERVING,
    /// Lets calls in, and tells that it soon won't.
    LEAVING,
    /// Draining until told otherwise.
    PAUSED,
    /// Draining for good.
    DRAINING
  }

  private static final Duration RETRY = Duration.ofSeconds(1);

  private static final String INFERENCE = InferenceGrpc.SERVICE_NAME;

  private final int maxCalls;

  @GuardedBy("this")
  private Phase phase = Phase.WARMING;

  @GuardedBy("this")
  private final SharedPlaces places;

  @GuardedBy("this")
  private int inFlight;

  @GuardedBy("this")
  private final List<CompletableFuture<Void>> whenIdle = new ArrayList<>();

  Admission(int maxCalls) {
    this.maxCalls = maxCalls;
    places = new SharedPlaces(maxCalls);
  }

  /// Ends the warming; a server that drains stays as it is. Returns whether calls are let in.
  synchronized boolean serve() {
    if (phase == Phase.WARMING) {
      phase = Phase.SERVING;
    }
    return phase == Phase.SERVING;
  }

  /// A server that serves tells that it soon won't; one that warms won't begin. Returns whether
  /// that is news.
  synchronized boolean leave() {
    boolean news = phase != Phase.LEAVING && phase != Phase.DRAINING;
    phase = phase == Phase.SERVING || phase == Phase.LEAVING ? Phase.LEAVING : Phase.DRAINING;
    return news;
  }

  synchronized Phase phase() {
    return phase;
  }

  /// Lets no more calls in until [#resume]; a server that warms won't begin.
  synchronized void pause() {
    if (phase != Phase.LEAVING && phase != Phase.DRAINING) {
      phase = Phase.PAUSED;
    }
  }

  /// Ends a pause. Returns whether calls are let in.
  synchronized boolean resume() {
    if (phase == Phase.PAUSED) {
      phase = Phase.SERVING;
    }
    return phase == Phase.SERVING;
  }

  synchronized boolean isDraining() {
    return phase == Phase.PAUSED || phase == Phase.DRAINING;
  }

  synchronized void drain() {
    phase = Phase.DRAINING;
  }

  /// Calls in progress.
  synchronized int calls() {
    return places.taken();
  }

  /// Requests for the device that were let in and have not ended.
  synchronized int inFlight() {
    return inFlight;
  }

  /// Completes when no request for the device is in flight; cancelling it gives up.
  CompletableFuture<Void> idle() {
    CompletableFuture<Void> idle = new CompletableFuture<>();
    synchronized (this) {
      if (inFlight > 0) {
        whenIdle.removeIf(CompletableFuture::isDone);
        whenIdle.add(idle);
        return idle;
      }
    }
    idle.complete(null);
    return idle;
  }

  @Override
  public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
      ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
    String tenant = Caller.current().tenant();
    boolean device = INFERENCE.equals(call.getMethodDescriptor().getServiceName());
    StatusRuntimeException refusal = take(tenant, device);
    if (refusal != null) {
      return RefusableListener.refuse(call, refusal);
    }
    ServerCall.Listener<ReqT> listener;
    try {
      listener = next.startCall(call, headers);
    } catch (RuntimeException e) {
      free(tenant, device);
      throw e;
    }
    return new SimpleForwardingServerCallListener<>(listener) {
      // gRPC ends every call with exactly one of these.
      @Override
      public void onComplete() {
        free(tenant, device);
        super.onComplete();
      }

      @Override
      public void onCancel() {
        free(tenant, device);
        super.onCancel();
      }
    };
  }

  /// Null if a place was taken.
  private synchronized @Nullable StatusRuntimeException take(String tenant, boolean device) {
    switch (phase) {
      case WARMING -> {
        return Statuses.unavailable("the server is warming up");
      }
      case PAUSED -> {
        return Statuses.unavailable("the server takes no more calls for now");
      }
      case DRAINING -> {
        return Statuses.unavailable(Statuses.SHUTTING_DOWN);
      }
      case SERVING, LEAVING -> {}
    }
    if (places.take(tenant)) {
      inFlight += device ? 1 : 0;
      return null;
    }
    return places.isFull()
        ? Statuses.exhausted(maxCalls + " calls are open, which is the limit", RETRY)
        : Statuses.quota(
            tenant,
            "server_calls",
            "has as many calls open as the server lets one tenant have",
            RETRY);
  }

  private void free(String tenant, boolean device) {
    List<CompletableFuture<Void>> idle = List.of();
    synchronized (this) {
      places.free(tenant);
      inFlight -= device ? 1 : 0;
      if (inFlight == 0) {
        idle = List.copyOf(whenIdle);
        whenIdle.clear();
      }
    }
    idle.forEach(waiting -> waiting.complete(null));
  }
}
