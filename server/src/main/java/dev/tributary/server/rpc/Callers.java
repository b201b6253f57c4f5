package dev.tributary.server.rpc;

import dev.tributary.server.rpc.MethodRoles.Audience;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Lets a call in only with a key, or token, whose role the port has for the method.
///
/// Stands before all other interceptors: whoever is refused here costs no more than the headers.
final class Callers implements ServerInterceptor {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private static final String SCHEME = "bearer ";

  private final Authenticator authenticator;
  private final BooleanSupplier keyless;
  private final Function<String, @Nullable Audience> audiences;
  private final BiConsumer<Caller, String> denied;

  /// @param keyless whether a call without a key may run as [Caller#ANYBODY] now. A wrong key is
  ///   refused all the same: its owner should know
  /// @param audiences whom a method of this port is for, by its full name; null is nobody
  /// @param denied told who tried which method without the role for it
  Callers(
      Authenticator authenticator,
      BooleanSupplier keyless,
      Function<String, @Nullable Audience> audiences,
      BiConsumer<Caller, String> denied) {
    this.authenticator = authenticator;
    this.keyless = keyless;
    this.audiences = audiences;
    this.denied = denied;
  }

  @Override
  public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
      ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
    String method = call.getMethodDescriptor().getFullMethodName();
    Context context;
    try {
      context = enter(method, headers);
    } catch (StatusRuntimeException e) {
      return RefusableListener.refuse(call, e);
    }
    return Contexts.interceptCall(context, call, headers, next);
  }

  private Context enter(String method, Metadata headers) {
    Audience audience = audiences.apply(method);
    if (audience == null) {
      throw Statuses.denied(method, "nobody");
    }
    Caller caller = caller(headers);
    if (caller == null) {
      if (audience != Audience.ANYBODY) {
        throw Statuses.keyMissing();
      }
      return Context.current();
    }
    if (!audience.admits(caller.role())) {
      denied.accept(caller, method);
      throw Statuses.denied(method, audience.text());
    }
    return caller.in(Context.current());
  }

  /// Null without a key where one is needed.
  private @Nullable Caller caller(Metadata headers) {
    Iterable<String> values = headers.getAll(AUTHORIZATION);
    if (values == null) {
      return keyless.getAsBoolean() ? Caller.ANYBODY : null;
    }
    Iterator<String> each = values.iterator();
    String value = each.next();
    if (each.hasNext() || !value.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      throw Statuses.keyInvalid();
    }
    return authenticator
        .authenticate(value.substring(SCHEME.length()).trim())
        .orElseThrow(Statuses::keyInvalid);
  }
}
