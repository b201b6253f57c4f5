package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.adapter.TestStore;
import dev.tributary.server.engine.Engine;
import dev.tributary.server.engine.EngineSettings;
import dev.tributary.server.ledger.KeyFile;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.ledger.LogSettings;
import dev.tributary.server.metrics.Metrics;
import dev.tributary.server.metrics.TierFigures;
import dev.tributary.server.metrics.Traces;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.KeySpec;
import dev.tributary.server.state.Quota;
import dev.tributary.server.state.Role;
import dev.tributary.server.state.State;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.ExampleTokens;
import dev.tributary.server.train.FakeTraining;
import dev.tributary.server.train.Publisher;
import dev.tributary.server.train.RunFiles;
import dev.tributary.server.train.TrainingRefusal;
import dev.tributary.server.train.TrainingRuns;
import dev.tributary.tlog.SigningKey;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.AdminGrpc;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.TrainingGrpc;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;

/// A whole server over [EchoModel], and a channel to it.
final class RpcFixture implements AutoCloseable {
  static final int CONTEXT = 512;
  static final int PAGES = 256;
  static final int EXAMPLE_TOKENS = 1_024;
  private static final long POLL = 1_000_000;
  static final Duration STREAM_IDLE = Duration.ofSeconds(60);

  final EchoModel model;
  final Engine engine;
  final TinyAdapters adapters;
  final TestStore store;
  final FakeDelay delay = new FakeDelay();
  final Metrics metrics;
  final State state;

  /// What the quotas take for now, in nanoseconds.
  final AtomicLong quotaClock = new AtomicLong();

  final Access access;
  final MemoryJournal journal = new MemoryJournal();

  /// Null where records go to [#journal].
  final @Nullable Books books;

  /// Whom the server asks.
  volatile Attributing attributing = Attributing.NONE;

  final FakeIndexing indexing = new FakeIndexing();

  /// Of every version, where there are no books.
  final byte[] pseudonymKey = new byte[AdapterBuildRecord.KEY_BYTES];

  final FakeCertifier certifier = new FakeCertifier();
  final FakeTraining fakeTraining;
  final TrainingRuns training;
  final GrpcServer server;
  final AdminServer admin;
  final AdminKey adminKey;
  final ManagedChannel channel;
  final ManagedChannel adminChannel;
  private final Path data;
  private final boolean ownData;
  final @Nullable ReloadingTls tls;
  private final Map<String, String> owners = new ConcurrentHashMap<>();
  final List<Throwable> fatal = new CopyOnWriteArrayList<>();

  /// What a test changes of the server.
  record Options(
      boolean overNetty,
      int maxRows,
      int maxWaiting,
      int maxCalls,
      long hostBytes,
      boolean template,
      boolean trains) {
    static final Options PLAIN = new Options(false, 8, 64, 128, 1 << 20, true);
    static final Options NETTY = new Options(true, 8, 64, 128, 1 << 20, true);

    /// A server whose device has no backward.
    static final Options ON_GPU = new Options(false, 8, 64, 128, 1 << 20, true, false);

    Options(
        boolean overNetty,
        int maxRows,
        int maxWaiting,
        int maxCalls,
        long hostBytes,
        boolean template) {
      this(overNetty, maxRows, maxWaiting, maxCalls, hostBytes, template, true);
    }
  }

  /// How tests differ in who may call.
  ///
  /// @param local whether only this machine can reach the port
  record Reach(boolean local, @Nullable OidcSettings oidc, @Nullable TlsFiles tls) {
    static final Reach HERE = new Reach(true, null, null);
  }

  RpcFixture(Path folder) {
    this(folder, Options.PLAIN);
  }

  RpcFixture(Path folder, Options options) {
    this(folder, options, Traces.off());
  }

  RpcFixture(Path folder, Options options, Traces traces) {
    this(folder, newData(), true, options, Reach.HERE, traces);
  }

  /// @param data where the state lies
  RpcFixture(Path folder, Path data, Options options, Reach reach) {
    this(folder, data, false, options, reach, Traces.off());
  }

  private RpcFixture(
      Path folder, Path data, boolean ownData, Options options, Reach reach, Traces traces) {
    this(
        new TinyAdapters(folder).write("loud", 1).write("louder", 2),
        adapters -> adapters.offered(data, options.hostBytes()),
        ownData,
        options,
        reach,
        traces,
        null,
        InstantSource.system());
  }

  /// @param store is closed with this
  RpcFixture(TinyAdapters adapters, TestStore store, Options options) {
    this(
        adapters,
        same -> store,
        false,
        options,
        Reach.HERE,
        Traces.off(),
        null,
        InstantSource.system());
  }

  /// Ready for calls, with a ledger.
  ///
  /// @param data where state, ledger and accounts lie
  static RpcFixture recording(Path folder, Path data) {
    return recording(folder, data, Options.PLAIN);
  }

  static RpcFixture recording(Path folder, Path data, Options options) {
    return recording(folder, data, options, InstantSource.system());
  }

  /// @param time that calls and records have
  static RpcFixture recording(Path folder, Path data, InstantSource time) {
    return recording(folder, data, Options.PLAIN, time);
  }

  private static RpcFixture recording(Path folder, Path data, Options options, InstantSource time) {
    RpcFixture fixture =
        new RpcFixture(
            new TinyAdapters(folder).write("loud", 1).write("louder", 2),
            adapters -> adapters.offered(data, options.hostBytes()),
            false,
            options,
            Reach.HERE,
            Traces.off(),
            openBooks(data, time),
            time);
    fixture.server.serve();
    return fixture;
  }

  private static Books openBooks(Path data, InstantSource time) {
    try {
      SigningKey key = new KeyFile(data.resolve("ledger.key")).openOrMake("log.example/test");
      LogSettings settings = LogSettings.of(data.resolve("ledger"), key);
      Ledger ledger = Ledger.open(settings, time);
      Accounts accounts = Accounts.open(Accounts.sqlite(data.resolve("accounts.db")), ledger, time);
      accounts.follow();
      return new Books(ledger, accounts);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private RpcFixture(
      TinyAdapters adapters,
      Function<TinyAdapters, TestStore> stores,
      boolean ownData,
      Options options,
      Reach reach,
      Traces traces,
      @Nullable Books books,
      InstantSource time) {
    this.books = books;
    metrics = new Metrics(traces, System::nanoTime, time);
    this.adapters = adapters;
    this.ownData = ownData;
    store = stores.apply(adapters);
    state = store.state();
    data = store.data();
    access = new Access(state, reach.local(), reach.oidc(), quotaClock::get, time);
    EngineSettings settings =
        new EngineSettings(
            TinyAdapters.BASE_DIGEST,
            false,
            CONTEXT,
            ByteTokens.SIZE,
            PAGES,
            options.maxRows(),
            options.maxWaiting(),
            options.maxRows(),
            options.maxRows() + 64,
            64,
            32,
            Duration.ofSeconds(30),
            3,
            Duration.ofSeconds(2));
    model = new EchoModel(PAGES, settings.stepTokens());
    Tokenizer tokenizer = ByteTokens.tokenizer(options.template());
    engine = new Engine(model, ByteTokens.text(tokenizer), settings, System::nanoTime, fatal::add);
    engine.start();
    fakeTraining = new FakeTraining(member -> adapters.files(member.training().size()));
    training = training(data, options.trains());
    Serving serving =
        new Serving(
            engine,
            tokenizer,
            store.store(),
            answer -> attributing.attribute(answer),
            indexing,
            training,
            new ServedModel(
                "Echo",
                TinyAdapters.BASE_DIGEST,
                List.of(TinyAdapters.BASE),
                "llama",
                ByteTokens.SIZE,
                "numerics",
                "cpu",
                "a machine",
                2,
                List.of("avx2"),
                1_000,
                "int4 groups of 32",
                "0.1.0"),
            GenerationDefaults.GREEDY,
            new RequestLimits(
                8, 16, options.maxRows(), options.maxWaiting(), options.hostBytes(), 256),
            metrics,
            System::nanoTime,
            time);
    GrpcSettings standard = GrpcSettings.of(STREAM_IDLE);
    GrpcSettings grpc =
        new GrpcSettings(
            standard.streamIdle(),
            standard.maxMessageBytes(),
            standard.maxMetadataBytes(),
            options.maxCalls(),
            standard.maxCallsPerConnection(),
            standard.keepAlive(),
            standard.keepAliveTimeout(),
            standard.permitKeepAlive(),
            standard.maxConnectionAge(),
            standard.maxConnectionAgeGrace());
    String name = UUID.randomUUID().toString();
    try {
      tls = reach.tls() == null ? null : new ReloadingTls(reach.tls());
      server =
          GrpcServer.start(
              serving,
              grpc,
              delay,
              access,
              books == null
                  ? new Records(journal, (use, generation) -> Optional.of(pseudonymKey), null)
                  : Records.of(books, serving),
              options.overNetty()
                  ? GrpcServer.netty(grpc, ListenAddress.parse("127.0.0.1:0"), tls)
                  : InProcessServerBuilder.forName(name),
              tls);
      adminKey = AdminKey.open(data);
      admin =
          AdminServer.start(
              adminKey,
              server,
              () -> new TierFigures(1, 2, 3, 4, 5, 6, 7),
              certifier,
              InProcessServerBuilder.forName(name + " admin"),
              null);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    channel =
        options.overNetty()
            ? NettyChannelBuilder.forAddress("127.0.0.1", server.boundPort()).usePlaintext().build()
            : InProcessChannelBuilder.forName(name).build();
    adminChannel = InProcessChannelBuilder.forName(name + " admin").build();
  }

  /// Runs that train nothing, an example having as many tokens as its texts have characters.
  private TrainingRuns training(Path folder, boolean trains) {
    try {
      return new TrainingRuns(
          state,
          new RunFiles(folder.resolve("training")),
          RpcFixture::encode,
          EXAMPLE_TOKENS,
          TinyAdapters.config(),
          fakeTraining,
          new Publisher() {
            @Override
            public int publish(AdapterName adapter, Path trained, String manifest) {
              return store.store().intake().publishTrained(adapter, trained, manifest).number();
            }

            @Override
            public void alias(AdapterName adapter, String alias, int version) {
              var unused =
                  store
                      .store()
                      .catalogue()
                      .setAlias(
                          adapter, alias, List.of(new AliasRecord.Target(version, 1)), null, null);
            }
          },
          trains ? Optional.empty() : Optional.of(new TrainingRefusal.Unable("no backward")),
          System::nanoTime);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ExampleTokens.Encoded encode(
      List<dev.tributary.server.tokenize.Message> messages, int limit)
      throws ExampleTokens.TooLong {
    int tokens = messages.stream().mapToInt(message -> message.content().length()).sum();
    if (tokens > limit) {
      throw new ExampleTokens.TooLong(tokens);
    }
    return new ExampleTokens.Encoded(
        new int[tokens], tokens - messages.getLast().content().length());
  }

  /// Runs are taken up.
  void train() {
    try {
      var unused = training.begin();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  TrainingGrpc.TrainingBlockingStub training(String key) {
    return TrainingGrpc.newBlockingStub(channel).withInterceptors(bearer(key));
  }

  /// Ready for calls.
  static RpcFixture serving(Path folder) {
    return serving(folder, Options.PLAIN);
  }

  static RpcFixture serving(Path folder, Options options) {
    RpcFixture fixture = new RpcFixture(folder, options);
    fixture.server.serve();
    return fixture;
  }

  private static Path newData() {
    try {
      return Files.createTempDirectory("tributary-test");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Sends `key` with every call.
  static ClientInterceptor bearer(String key) {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
    return MetadataUtils.newAttachHeadersInterceptor(headers);
  }

  /// The Admin service, with the admin key.
  AdminGrpc.AdminBlockingStub adminService() {
    return AdminGrpc.newBlockingStub(adminChannel).withInterceptors(bearer(adminSecret()));
  }

  String adminSecret() {
    try {
      return Files.readString(data.resolve(AdminKey.FILE)).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The secret of a new key; its tenant is made if need be.
  String key(String tenant, Role role) {
    if (state.tenants().get(tenant).isEmpty()) {
      var unused = state.tenants().create(tenant, "", Quota.NONE);
    }
    String contributor = role == Role.CONTRIBUTOR ? "somebody" : "";
    return state.keys().create(new KeySpec(tenant, role, contributor, "", null)).secret();
  }

  /// The secret of an owner of the tenant, always the same one.
  private String owner(String tenant) {
    return owners.computeIfAbsent(tenant, name -> key(name, Role.OWNER));
  }

  InferenceGrpc.InferenceBlockingStub inference() {
    return InferenceGrpc.newBlockingStub(channel);
  }

  AdaptersGrpc.AdaptersBlockingStub adapterService() {
    return AdaptersGrpc.newBlockingStub(channel);
  }

  AdaptersGrpc.AdaptersBlockingStub adapterService(String tenant) {
    return adapterService().withInterceptors(bearer(owner(tenant)));
  }

  ProvenanceGrpc.ProvenanceBlockingStub provenance(String key) {
    return ProvenanceGrpc.newBlockingStub(channel).withInterceptors(bearer(key));
  }

  InferenceGrpc.InferenceBlockingStub inference(String tenant) {
    return inference().withInterceptors(bearer(owner(tenant)));
  }

  Uploader uploader(String tenant) {
    return new Uploader(
        AdaptersGrpc.newBlockingV2Stub(channel).withInterceptors(bearer(owner(tenant))));
  }

  /// A prompt whose first line comes back.
  static GenerateRequest.Builder say(String line) {
    return GenerateRequest.newBuilder().setPrompt(line + "\n");
  }

  /// A prompt that is answered with `count` times x.
  static GenerateRequest.Builder sayMuch(int count) {
    GenerateRequest.Builder request = GenerateRequest.newBuilder().setPrompt("?");
    request.getSamplingBuilder().setMaxTokens(count);
    return request;
  }

  /// Stops the engine in its next step.
  Hold holdEngine() {
    Hold hold = new Hold(new CountDownLatch(1), new CountDownLatch(1));
    model.onStep = hold::pass;
    return hold;
  }

  /// A step that waits to be released.
  record Hold(CountDownLatch entered, CountDownLatch released) {
    private void pass() {
      entered.countDown();
      await(released);
    }

    /// Waits until a row is in the step.
    void awaitStep() {
      await(entered);
    }

    void release() {
      released.countDown();
    }

    private static void await(CountDownLatch latch) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new AssertionError("not within the test's time", e);
      }
    }
  }

  /// Waits until the condition holds; the test's timeout bounds it.
  static void until(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      if (Thread.interrupted()) {
        throw new AssertionError("not within the test's time");
      }
      LockSupport.parkNanos(POLL);
    }
  }

  /// The status that `call` ends with.
  static StatusRuntimeException refused(Status.Code code, ThrowingCallable call) {
    StatusRuntimeException refused = catchThrowableOfType(StatusRuntimeException.class, call);
    assertThat(refused).isNotNull();
    assertThat(refused.getStatus().getCode()).as(refused.toString()).isEqualTo(code);
    return refused;
  }

  /// The one detail of a status, which must be of this type.
  static <T extends Message> T detail(StatusRuntimeException status, Class<T> type) {
    com.google.rpc.Status full = StatusProto.fromThrowable(status);
    assertThat(full).isNotNull();
    assertThat(full.getDetailsList()).hasSize(1);
    Any detail = full.getDetails(0);
    try {
      return detail.unpack(type);
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(detail.getTypeUrl() + " is no " + type, e);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    adminChannel.shutdownNow();
    admin.close();
    server.close();
    training.close();
    engine.close();
    store.close();
    if (books != null) {
      books.close();
    }
    if (ownData) {
      delete(data);
    }
  }
}
