package dev.tributary.server.rpc;

import dev.tributary.server.metrics.CallRecord;
import dev.tributary.server.metrics.Metrics;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Keeps the record of each call from its first header to its status; the outermost interceptor, so
/// that it sees what the others turn down.
final class Observed implements ServerInterceptor {
  private static final Context.Key<CallRecord> KEY = Context.key("record");

  /// A caller's deadline is counted from when it sent the headers, ours from when they came: its
  /// own clock runs out first, and what arrives is a cancellation this much before our deadline, or
  /// less.
  private static final long TRAVEL_MS = 250;

  private final Metrics metrics;

  Observed(Metrics metrics) {
    this.metrics = metrics;
  }

  /// The record of the call that the current thread works for.
  static CallRecord current() {
    return Objects.requireNonNull(KEY.get(), "not within a call that is observed");
  }

  @Override
  public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
      ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
    CallRecord record =
        metrics.begin(
            call.getMethodDescriptor().getFullMethodName(), name -> header(headers, name));
    Context context = Context.current();
    ServerCall<ReqT, RespT> watched =
        new SimpleForwardingServerCall<>(call) {
          @Override
          public void close(Status status, Metadata trailers) {
            record.ended(status.getCode().name(), Statuses.reason(status, trailers));
            super.close(status, trailers);
          }
        };
    return new SimpleForwardingServerCallListener<>(
        Contexts.interceptCall(context.withValue(KEY, record), watched, headers, next)) {
      @Override
      public void onCancel() {
        Status.Code code =
            isPast(context.getDeadline()) ? Status.Code.DEADLINE_EXCEEDED : Status.Code.CANCELLED;
        record.ended(code.name(), code.name());
        super.onCancel();
      }
    };
  }

  /// Whether a call that its caller ended was ended by its deadline.
  static boolean isPast(@Nullable Deadline deadline) {
    return deadline != null && deadline.timeRemaining(TimeUnit.MILLISECONDS) <= TRAVEL_MS;
  }

  private static @Nullable String header(Metadata headers, String name) {
    return headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
  }
}
