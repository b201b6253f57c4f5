package dev.tributary.server.rpc;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;

/// Says in whose name a call runs. Without configured tenants that is `public` for everybody.
final class Tenant implements ServerInterceptor {
  /// The tenant whose adapters all can name.
  static final String PUBLIC = "public";

  private static final Context.Key<String> KEY = Context.keyWithDefault("tenant", PUBLIC);

  /// The tenant of the call that the current thread works for.
  static String current() {
    return KEY.get();
  }

  @Override
  public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
      ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
    return Contexts.interceptCall(Context.current().withValue(KEY, PUBLIC), call, headers, next);
  }
}
