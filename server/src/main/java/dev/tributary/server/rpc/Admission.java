package dev.tributary.server.rpc;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Semaphore;

/// Lets calls in while the server serves, and at most so many at a time: each holds a message.
final class Admission implements ServerInterceptor {
  /// What the server is ready for.
  enum Phase {
    WARMING,
    SERVING,
    /// Lets calls in, and tells that it soon won't.
    LEAVING,
    DRAINING
  }

  private static final Duration RETRY = Duration.ofSeconds(1);

  private volatile Phase phase = Phase.WARMING;
  private final Semaphore free;
  private final int maxCalls;

  Admission(int maxCalls) {
    this.maxCalls = maxCalls;
    free = new Semaphore(maxCalls);
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
    boolean news = phase == Phase.WARMING || phase == Phase.SERVING;
    phase = phase == Phase.SERVING || phase == Phase.LEAVING ? Phase.LEAVING : Phase.DRAINING;
    return news;
  }

  Phase phase() {
    return phase;
  }

  synchronized void drain() {
    phase = Phase.DRAINING;
  }

  /// Calls in progress.
  int calls() {
    return maxCalls - free.availablePermits();
  }

  @Override
  public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
      ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
    switch (phase) {
      case WARMING -> {
        return refuse(call, Statuses.unavailable("the server is warming up"));
      }
      case DRAINING -> {
        return refuse(call, Statuses.unavailable(Statuses.SHUTTING_DOWN));
      }
      case SERVING, LEAVING -> {}
    }
    if (!free.tryAcquire()) {
      return refuse(
          call, Statuses.exhausted(maxCalls + " calls are open, which is the limit", RETRY));
    }
    ServerCall.Listener<ReqT> listener;
    try {
      listener = next.startCall(call, headers);
    } catch (RuntimeException e) {
      free.release();
      throw e;
    }
    return new SimpleForwardingServerCallListener<>(listener) {
      // gRPC ends every call with exactly one of these.
      @Override
      public void onComplete() {
        free.release();
        super.onComplete();
      }

      @Override
      public void onCancel() {
        free.release();
        super.onCancel();
      }
    };
  }

  private static <ReqT, RespT> ServerCall.Listener<ReqT> refuse(
      ServerCall<ReqT, RespT> call, StatusRuntimeException status) {
    call.close(status.getStatus(), Objects.requireNonNull(Status.trailersFromThrowable(status)));
    return new ServerCall.Listener<>() {};
  }
}
