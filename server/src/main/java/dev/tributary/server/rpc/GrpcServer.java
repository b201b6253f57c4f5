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
import org.jspecify.annotations.Nullable;
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

  /// For a new connection to speak TLS and HTTP/2; whoever is slower may be holding it open on
  /// purpose.
  private static final Duration HANDSHAKE = Duration.ofSeconds(10);

  /// After answers have ended, for their last bytes to leave.
  private static final Duration FLUSH = Duration.ofSeconds(2);

  /// Before the engine drains, for answers to end and be attributed.
  private static final Duration ATTRIBUTION = Duration.ofSeconds(5);

  private final Serving serving;
  private final HealthStatusManager health = new HealthStatusManager();
  private final Admission admission;
  private final Delay delay;
  private final LoadReports loads;
  private final Shadows shadows;
  private final Recorder recorder;
  private final @Nullable Books books;
  private final Tally tally = new Tally();
  private final Access access;
  private final Callers callers;
  private final @Nullable ReloadingTls tls;
  private final Server server;
  private final JsonCalls json;

  private GrpcServer(
      Serving serving,
      GrpcSettings settings,
      Delay delay,
      Access access,
      Records records,
      ServerBuilder<?> builder,
      @Nullable ReloadingTls tls)
      throws IOException {
    this.serving = serving;
    this.access = access;
    books = records.books();
    this.tls = tls;
    callers =
        new Callers(
            access.authenticator(), access::isOpen, MethodRoles::of, (caller, method) -> {});
    this.delay = delay;
    admission = new Admission(settings.maxCalls());
    loads = new LoadReports(serving.metrics()::engine);
    tell(ServingStatus.NOT_SERVING);
    shadows = new Shadows(serving);
    SecureRandom random = new SecureRandom();
    Ids ids = new Ids(serving.time(), random);
    recorder = new Recorder(records, serving);
    Books books = records.books();
    Contributing contributing =
        books == null
            ? null
            : new Contributing(
                books.ledger(),
                access.state().contributions(),
                serving.training()::forget,
                serving.time());
    List<BindableService> services =
        List.of(
            new InferenceService(
                serving,
                delay,
                settings.streamIdle(),
                settings.maxMessageBytes(),
                ids,
                random::nextLong,
                access,
                tally,
                shadows,
                recorder,
                books == null
                    ? null
                    : new Replays(
                        serving, new RecordedGenerations(books), recorder, access.quotas())),
            new AdaptersService(
                serving.adapters(),
                new AdapterAnswers(serving.metrics().versions(), access.state().contributions()),
                serving.indexing(),
                ids,
                delay,
                settings.streamIdle(),
                serving.time()),
            provenance(serving, records, contributing, ids, delay, settings),
            new TrainingService(
                serving.training(),
                serving.adapters().catalogue(),
                contributing,
                ids,
                delay,
                settings.streamIdle()));
    List<ServerServiceDefinition> checked = services.stream().map(this::checked).toList();
    json = JsonCalls.over(checked, serving.tokenizer());
    server =
        builder
            .addServices(checked)
            .addService(ServerInterceptors.intercept(health.getHealthService(), callers))
            .addService(
                ServerInterceptors.intercept(ProtoReflectionServiceV1.newInstance(), callers))
            .addService(ServerInterceptors.intercept(loads.service(), callers))
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build();
  }

  /// Without a ledger none of its methods is built.
  private static ProvenanceGrpc.ProvenanceImplBase provenance(
      Serving serving,
      Records records,
      @Nullable Contributing contributing,
      Ids ids,
      Delay delay,
      GrpcSettings settings) {
    Books books = records.books();
    if (books == null || contributing == null) {
      return new ProvenanceGrpc.ProvenanceImplBase() {};
    }
    return new ProvenanceService(
        books, serving.adapters().catalogue(), contributing, ids, delay, settings.streamIdle());
  }

  /// Listens at `address`.
  ///
  /// @param books null: answers leave no records
  /// @param tls null: without encryption
  /// @throws IOException with a text for the user
  public static GrpcServer start(
      Serving serving,
      GrpcSettings settings,
      ListenAddress address,
      Access access,
      @Nullable Books books,
      @Nullable TlsFiles tls)
      throws IOException {
    ReloadingTls context = tls == null ? null : new ReloadingTls(tls);
    return start(
        serving,
        settings,
        new ThreadDelay(),
        access,
        Records.of(books, serving),
        netty(settings, address, context),
        context);
  }

  /// Over any transport, in tests.
  static GrpcServer start(
      Serving serving,
      GrpcSettings settings,
      Delay delay,
      Access access,
      Records records,
      ServerBuilder<?> builder,
      @Nullable ReloadingTls tls)
      throws IOException {
    GrpcServer server = new GrpcServer(serving, settings, delay, access, records, builder, tls);
    server.server.start();
    return server;
  }

  /// @param tls null: without encryption
  static NettyServerBuilder netty(
      GrpcSettings settings, ListenAddress address, @Nullable ReloadingTls tls) {
    NettyServerBuilder builder = NettyServerBuilder.forAddress(address.resolve());
    if (tls != null) {
      builder.sslContext(tls);
    }
    return builder
        .handshakeTimeout(HANDSHAKE.toNanos(), TimeUnit.NANOSECONDS)
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
        ServerInterceptors.intercept(service, List.of(new KnownFields(), new UnbuiltMethods()));
    return ServerInterceptors.intercept(
        ServerInterceptors.useInputStreamMessages(parsed),
        List.of(
            new ParsedRequests(),
            admission,
            loads.perCall(),
            callers,
            tally,
            new Observed(serving.metrics())));
  }

  /// The port that it listens at.
  public int boundPort() {
    return server.getPort();
  }

  /// Lets calls in: the server is warm.
  public void serve() {
    if (admission.serve()) {
      tell(ServingStatus.SERVING);
    }
  }

  /// `warming`, `serving`, `leaving`, `paused` or `draining`: only while it is `serving` should
  /// callers come.
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

  /// Lets no more calls in until [#resume]; those under way go on.
  void pause() {
    admission.pause();
    tell(ServingStatus.NOT_SERVING);
  }

  /// Lets calls in again after [#pause].
  void resume() {
    if (admission.resume()) {
      tell(ServingStatus.SERVING);
    }
  }

  private void tell(ServingStatus status) {
    SERVICES.forEach(name -> health.setStatus(name, status));
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, status);
  }

  /// Leaves, lets no more calls in, drains the engine, which has `grace` to finish what it has, and
  /// closes the port. Returns when all is over.
  public void drain(Duration grace) throws InterruptedException {
    leave();
    admission.drain();
    long began = System.nanoTime();
    // An engine that drains takes no rows, those of attributions neither.
    recorder.awaitAttributed(grace.compareTo(ATTRIBUTION) < 0 ? grace : ATTRIBUTION);
    Duration left = grace.minusNanos(System.nanoTime() - began);
    Duration rest = left.isNegative() ? Duration.ZERO : left;
    try {
      serving.engine().drain(rest).get(rest.plus(FLUSH).toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException | TimeoutException e) {
      // The rows are lost either way; what is left of the calls ends below.
      log.warn("the engine did not drain", e);
    }
    // A call may be over before its record is durable.
    recorder.awaitClosed(FLUSH);
    server.shutdown();
    if (!server.awaitTermination(FLUSH.toNanos(), TimeUnit.NANOSECONDS)) {
      close();
      server.awaitTermination();
    }
    end();
  }

  /// Waits until the server was drained or closed.
  public void awaitTermination() throws InterruptedException {
    server.awaitTermination();
  }

  /// Ends every call and closes the port at once.
  @Override
  public void close() {
    server.shutdownNow();
    end();
  }

  private void end() {
    json.close();
    recorder.close();
    loads.close();
    shadows.close();
    delay.close();
    if (tls != null) {
      tls.close();
    }
  }

  /// Calls that come as JSON; they end with this.
  public JsonCalls json() {
    return json;
  }

  /// Full names of the methods that it serves.
  List<String> methods() {
    return methods(server);
  }

  static List<String> methods(Server server) {
    return server.getServices().stream()
        .flatMap(service -> service.getMethods().stream())
        .map(method -> method.getMethodDescriptor().getFullMethodName())
        .toList();
  }

  Serving serving() {
    return serving;
  }

  /// Null: answers leave no records.
  @Nullable Books books() {
    return books;
  }

  Access access() {
    return access;
  }

  Admission admission() {
    return admission;
  }

  Tally tally() {
    return tally;
  }

  Delay delay() {
    return delay;
  }

  /// Calls of tributary.v1 in progress.
  int calls() {
    return admission.calls();
  }
}
