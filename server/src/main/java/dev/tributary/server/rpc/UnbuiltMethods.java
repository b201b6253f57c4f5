package dev.tributary.server.rpc;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.Objects;

/// Gives the generated answer of methods without code the details that the contract promises.
final class UnbuiltMethods implements ServerInterceptor {
  @Override
  public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
      ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
    return next.startCall(
        new SimpleForwardingServerCall<>(call) {
          @Override
          public void close(Status status, Metadata trailers) {
            if (status.getCode() != Status.Code.UNIMPLEMENTED
                || StatusProto.fromStatusAndTrailers(status, trailers).getDetailsCount() > 0) {
              super.close(status, trailers);
              return;
            }
            StatusRuntimeException unbuilt =
                Statuses.unbuiltMethod(getMethodDescriptor().getFullMethodName());
            super.close(
                unbuilt.getStatus(), Objects.requireNonNull(Status.trailersFromThrowable(unbuilt)));
          }
        },
        headers);
  }
}
