package dev.tributary.server.rpc;

import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.stub.MetadataUtils;

/// Lets a test's call say in whose name it runs.
final class AsTenant implements ServerInterceptor {
  private static final Metadata.Key<String> KEY =
      Metadata.Key.of("test-tenant", Metadata.ASCII_STRING_MARSHALLER);

  /// For a stub.
  static ClientInterceptor of(String tenant) {
    Metadata headers = new Metadata();
    headers.put(KEY, tenant);
    return MetadataUtils.newAttachHeadersInterceptor(headers);
  }

  @Override
  public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
      ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
    String tenant = headers.get(KEY);
    Context context = Context.current();
    return Contexts.interceptCall(
        tenant == null ? context : Tenant.in(context, tenant), call, headers, next);
  }
}
