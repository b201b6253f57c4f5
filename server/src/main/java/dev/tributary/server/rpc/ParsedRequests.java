package dev.tributary.server.rpc;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;

/// Answers bytes that are no message of the method with INVALID_ARGUMENT; gRPC itself would call it
/// UNKNOWN, as if the server were at fault. Stands before the parser, so its messages are bytes.
final class ParsedRequests implements ServerInterceptor {
  @Override
  public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
      ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
    return new RefusableListener<>(call, next.startCall(call, headers)) {
      @Override
      void check(ReqT message) {
        try {
          pass(message);
        } catch (StatusRuntimeException e) {
          throw e.getCause() instanceof InvalidProtocolBufferException ? Statuses.malformed() : e;
        }
      }
    };
  }
}
