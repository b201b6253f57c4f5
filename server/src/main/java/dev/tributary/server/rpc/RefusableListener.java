package dev.tributary.server.rpc;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/// Lets an interceptor end a call because of a message; the handler then sees neither that message
/// nor the end of the requests.
abstract class RefusableListener<ReqT> extends SimpleForwardingServerCallListener<ReqT> {
  private final ServerCall<?, ?> call;
  private boolean refused;

  RefusableListener(ServerCall<?, ?> call, ServerCall.Listener<ReqT> next) {
    super(next);
    this.call = call;
  }

  /// Passes `message` on, or throws the status to end the call with.
  abstract void check(ReqT message);

  @Override
  public final void onMessage(ReqT message) {
    if (refused) {
      return;
    }
    try {
      check(message);
    } catch (StatusRuntimeException e) {
      refused = true;
      Metadata trailers = Status.trailersFromThrowable(e);
      call.close(e.getStatus(), trailers == null ? new Metadata() : trailers);
    }
  }

  @Override
  public final void onHalfClose() {
    if (!refused) {
      super.onHalfClose();
    }
  }

  final void pass(ReqT message) {
    delegate().onMessage(message);
  }

  /// Ends a call before its handler has heard of it.
  static <T> ServerCall.Listener<T> refuse(ServerCall<T, ?> call, StatusRuntimeException status) {
    Metadata trailers = Status.trailersFromThrowable(status);
    call.close(status.getStatus(), trailers == null ? new Metadata() : trailers);
    return new ServerCall.Listener<>() {};
  }
}
