package dev.tributary.server.rpc;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.concurrent.atomic.LongAdder;

/// Counts since the start, for GetStats; as an interceptor, the calls that were refused for want of
/// room or quota. Thread safe.
final class Tally implements ServerInterceptor {
  private final LongAdder generations = new LongAdder();
  private final LongAdder promptTokens = new LongAdder();
  private final LongAdder cachedTokens = new LongAdder();
  private final LongAdder completionTokens = new LongAdder();
  private final LongAdder refusals = new LongAdder();

  /// The engine took a generation.
  void generation() {
    generations.increment();
  }

  /// A prompt was read.
  ///
  /// @param cached tokens of it that the prefix cache had
  void prompt(long tokens, long cached) {
    promptTokens.add(tokens);
    cachedTokens.add(cached);
  }

  /// An answer has ended.
  void completion(long tokens) {
    completionTokens.add(tokens);
  }

  long promptTokens() {
    return promptTokens.sum();
  }

  long cachedTokens() {
    return cachedTokens.sum();
  }

  long completionTokens() {
    return completionTokens.sum();
  }

  long generations() {
    return generations.sum();
  }

  long refusals() {
    return refusals.sum();
  }

  @Override
  public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
      ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
    return next.startCall(
        new SimpleForwardingServerCall<>(call) {
          @Override
          public void close(Status status, Metadata trailers) {
            if (status.getCode() == Status.Code.RESOURCE_EXHAUSTED) {
              refusals.increment();
            }
            super.close(status, trailers);
          }
        },
        headers);
  }
}
