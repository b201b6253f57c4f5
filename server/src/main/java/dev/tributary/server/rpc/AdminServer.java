package dev.tributary.server.rpc;

import dev.tributary.server.metrics.TierFigures;
import dev.tributary.server.rpc.MethodRoles.Audience;
import dev.tributary.server.state.State;
import dev.tributary.v1.AdminGrpc;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.services.ChannelzService;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The admin port: tributary.v1.Admin, channelz, health and reflection. All but health needs the
/// admin key or a key of role ADMIN, also from this machine: other people may have accounts on it,
/// and their browsers open pages of others still.
public final class AdminServer implements AutoCloseable {
  private static final int CHANNELZ_PAGE = 100;

  /// Calls open at once; those that drain wait.
  private static final int MAX_CALLS = 64;

  private final HealthStatusManager health = new HealthStatusManager();
  private final Server server;
  private final @Nullable ReloadingTls tls;

  private AdminServer(
      AdminKey key,
      GrpcServer serving,
      Supplier<TierFigures> tiers,
      Certifier certifier,
      ServerBuilder<?> builder,
      @Nullable ReloadingTls tls) {
    this.tls = tls;
    State state = serving.access().state();
    Callers callers =
        new Callers(
            new AdminAuthenticator(
                key, new KeyAuthenticator(state.keys(), serving.serving().time())),
            () -> false,
            AdminServer::audience,
            (caller, method) ->
                state
                    .audit()
                    .append(
                        serving.serving().time().instant(),
                        caller.keyId(),
                        "",
                        method,
                        "",
                        "PERMISSION_DENIED",
                        "role " + caller.role()));
    Admission admission = new Admission(MAX_CALLS);
    admission.serve();
    Ids ids = new Ids(serving.serving().time(), new SecureRandom());
    ServerServiceDefinition admin =
        ServerInterceptors.useInputStreamMessages(
            ServerInterceptors.intercept(
                new AdminService(serving, tiers, certifier, ids), List.of(new KnownFields())));
    builder.addService(
        ServerInterceptors.intercept(
            admin,
            List.of(
                new ParsedRequests(),
                admission,
                callers,
                new Observed(serving.serving().metrics()))));
    List<BindableService> others =
        List.of(
            ChannelzService.newInstance(CHANNELZ_PAGE),
            health.getHealthService(),
            ProtoReflectionServiceV1.newInstance());
    others.forEach(other -> builder.addService(ServerInterceptors.intercept(other, callers)));
    server = builder.executor(Executors.newVirtualThreadPerTaskExecutor()).build();
    health.setStatus(AdminGrpc.SERVICE_NAME, ServingStatus.SERVING);
  }

  /// Listens at `address`.
  ///
  /// @param serving the port that it administers
  /// @param tiers asked by GetStats
  /// @param certifier asked by CertifyModel
  /// @param tls null: without encryption
  /// @throws IOException with a text for the user
  public static AdminServer start(
      AdminKey key,
      GrpcServer serving,
      Supplier<TierFigures> tiers,
      Certifier certifier,
      GrpcSettings settings,
      ListenAddress address,
      @Nullable TlsFiles tls)
      throws IOException {
    ReloadingTls context = tls == null ? null : new ReloadingTls(tls);
    return start(
        key, serving, tiers, certifier, GrpcServer.netty(settings, address, context), context);
  }

  /// Over any transport, in tests.
  static AdminServer start(
      AdminKey key,
      GrpcServer serving,
      Supplier<TierFigures> tiers,
      Certifier certifier,
      ServerBuilder<?> builder,
      @Nullable ReloadingTls tls)
      throws IOException {
    AdminServer admin = new AdminServer(key, serving, tiers, certifier, builder, tls);
    admin.server.start();
    return admin;
  }

  /// Reflection, too, is for those who have the key: nothing on this port answers others.
  private static @Nullable Audience audience(String method) {
    if (method.startsWith(HealthGrpc.SERVICE_NAME + "/")) {
      return Audience.ANYBODY;
    }
    return MethodRoles.of(method) == null ? null : Audience.ADMINS;
  }

  /// The port that it listens at.
  public int boundPort() {
    return server.getPort();
  }

  /// Full names of the methods that it serves.
  List<String> methods() {
    return GrpcServer.methods(server);
  }

  /// Ends every call and closes the port at once.
  @Override
  public void close() {
    server.shutdownNow();
    if (tls != null) {
      tls.close();
    }
  }
}
