package dev.tributary.server.rpc;

import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.TrainingGrpc;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The serving port: the services of tributary.v1 but Admin, health and reflection.
///
/// A new server listens but refuses calls (UNAVAILABLE, health NOT_SERVING) until [#serve].
public final class GrpcServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(GrpcServer.class);

  private static final List<String> SERVICES =
      List.of(
          InferenceGrpc.SERVICE_NAME,
          AdaptersGrpc.SERVICE_NAME,
          ProvenanceGrpc.SERVICE_NAME,
          TrainingGrpc.SERVICE_NAME);

  /// Reset streams of one connection in [#RESET_WINDOW_SECONDS]; more is an attack
  /// (CVE-2023-44487).
  private static final int MAX_RESETS = 2_000;

  private static final int RESET_WINDOW_SECONDS = 10;

  /// After answers have ended, for their last bytes to leave.
  private static final Duration FLUSH = Duration.ofSeconds(2);

  private final Serving serving;
  private final HealthStatusManager health = new HealthStatusManager();
  private final Admission admission;
  private final Delay delay;
  private final LoadReports loads;
  private final Server server;

  private GrpcServer(
      Serving serving, GrpcSettings settings, Delay delay, ServerBuilder<?> builder) {
    this.serving = serving;
    this.delay = delay;
    admission = new Admission(settings.maxCalls());
    loads = new LoadReports(serving.metrics()::engine);
    SERVICES.forEach(name -> health.setStatus(name, ServingStatus.NOT_SERVING));
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.NOT_SERVING);
    SecureRandom random = new SecureRandom();
    Ids ids = new Ids(serving.time(), random);
    List<BindableService> services =
        List.of(
            new InferenceService(
                serving,
                delay,
                settings.streamIdle(),
                settings.maxMessageBytes(),
                ids,
                random::nextLong),
            new AdaptersService(serving.adapters(), serving.model().baseDigest(), ids),
            new ProvenanceGrpc.ProvenanceImplBase() {},
            new TrainingGrpc.TrainingImplBase() {});
    services.forEach(service -> builder.addService(checked(service)));
    server =
        builder
            .addService(health.getHealthService())
            .addService(ProtoReflectionServiceV1.newInstance())
            .addService(loads.service())
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build();
  }

  /// Listens at `address` without encryption.
  public static GrpcServer start(Serving serving, GrpcSettings settings, ListenAddress address)
      throws IOException {
    return start(serving, settings, new ThreadDelay(), netty(settings, address));
  }

  /// Over any transport, in tests.
  static GrpcServer start(
      Serving serving, GrpcSettings settings, Delay delay, ServerBuilder<?> builder)
      throws IOException {
    GrpcServer server = new GrpcServer(serving, settings, delay, builder);
    server.server.start();
    return server;
  }

  static NettyServerBuilder netty(GrpcSettings settings, ListenAddress address) {
    return NettyServerBuilder.forAddress(address.resolve())
        .maxInboundMessageSize(settings.maxMessageBytes())
        .maxInboundMetadataSize(settings.maxMetadataBytes())
        .maxConcurrentCallsPerConnection(settings.maxCallsPerConnection())
        .maxRstFramesPerWindow(MAX_RESETS, RESET_WINDOW_SECONDS)
        .keepAliveTime(settings.keepAlive().toNanos(), TimeUnit.NANOSECONDS)
        .keepAliveTimeout(settings.keepAliveTimeout().toNanos(), TimeUnit.NANOSECONDS)
        .permitKeepAliveTime(settings.permitKeepAlive().toNanos(), TimeUnit.NANOSECONDS)
        .permitKeepAliveWithoutCalls(true)
        .maxConnectionAge(settings.maxConnectionAge().toNanos(), TimeUnit.NANOSECONDS)
        .maxConnectionAgeGrace(settings.maxConnectionAgeGrace().toNanos(), TimeUnit.NANOSECONDS);
  }

  /// The last of a list of interceptors runs first.
  private ServerServiceDefinition checked(BindableService service) {
    ServerServiceDefinition parsed =
        ServerInterceptors.intercept(
            service, List.of(new KnownFields(), new UnbuiltMethods(), new Tenant()));
    return ServerInterceptors.intercept(
        ServerInterceptors.useInputStreamMessages(parsed),
        List.of(new ParsedRequests(), admission, loads.perCall(), new Observed(serving.metrics())));
  }

  /// The port that it listens at.
  public int boundPort() {
    return server.getPort();
  }

  /// Lets calls in: the server is warm.
  public void serve() {
    if (admission.serve()) {
      SERVICES.forEach(name -> health.setStatus(name, ServingStatus.SERVING));
      health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.SERVING);
    }
  }

  /// `warming`, `serving`, `leaving` or `draining`: only while it is `serving` should callers come.
  public String phase() {
    return admission.phase().name().toLowerCase(Locale.ROOT);
  }

  /// Says that callers should go elsewhere (health NOT_SERVING, for good), but still lets them in:
  /// whoever spreads calls needs a while to see it.
  public void leave() {
    if (admission.leave()) {
      health.enterTerminalState();
    }
  }

  /// Leaves, lets no more calls in, drains the engine, which has `grace` to finish what it has, and
  /// closes the port. Returns when all is over.
  public void drain(Duration grace) throws InterruptedException {
    leave();
    admission.drain();
    try {
      serving.engine().drain(grace).get(grace.plus(FLUSH).toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException | TimeoutException e) {
      // The rows are lost either way; what is left of the calls ends below.
      log.warn("the engine did not drain", e);
    }
    server.shutdown();
    if (!server.awaitTermination(FLUSH.toNanos(), TimeUnit.NANOSECONDS)) {
      close();
      server.awaitTermination();
    }
    loads.close();
    delay.close();
  }

  /// Waits until the server was drained or closed.
  public void awaitTermination() throws InterruptedException {
    server.awaitTermination();
  }

  /// Ends every call and closes the port at once.
  @Override
  public void close() {
    server.shutdownNow();
    loads.close();
    delay.close();
  }

  /// Calls of tributary.v1 in progress.
  int calls() {
    return admission.calls();
  }
}
