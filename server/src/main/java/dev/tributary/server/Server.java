package dev.tributary.server;

import dev.tributary.identity.BaseDigest;
import dev.tributary.server.adapter.AdapterInfo;
import dev.tributary.server.adapter.AdapterRefusal;
import dev.tributary.server.adapter.AdapterSettings;
import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.BaseIdentity;
import dev.tributary.server.adapter.Builds;
import dev.tributary.server.adapter.TierStats;
import dev.tributary.server.attribution.VersionIndex;
import dev.tributary.server.engine.Engine;
import dev.tributary.server.engine.EngineSettings;
import dev.tributary.server.engine.TokenText;
import dev.tributary.server.ledger.WitnessState;
import dev.tributary.server.metrics.TierFigures;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.rpc.Access;
import dev.tributary.server.rpc.AdminKey;
import dev.tributary.server.rpc.AdminServer;
import dev.tributary.server.rpc.Books;
import dev.tributary.server.rpc.GrpcServer;
import dev.tributary.server.rpc.GrpcSettings;
import dev.tributary.server.rpc.ListenAddress;
import dev.tributary.server.rpc.RequestLimits;
import dev.tributary.server.rpc.ServedModel;
import dev.tributary.server.rpc.Serving;
import dev.tributary.server.source.AdapterHub;
import dev.tributary.server.state.Origin;
import dev.tributary.server.state.RunRecord;
import dev.tributary.server.state.State;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.state.VersionTotals;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tensor.Processor;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.Dataset;
import dev.tributary.server.train.TrainingBase;
import dev.tributary.server.weights.Checkpoint;
import dev.tributary.server.weights.Gguf;
import dev.tributary.server.weights.HfDirectory;
import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Everything, wired by hand, in the order in which it starts.
final class Server implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Server.class);

  static final String VERSION = "0.1.0";

  private static final Duration WARM_UP = Duration.ofSeconds(10);
  private static final int MAX_ADAPTERS = 8;
  private static final int MAX_SCORE_ITEMS = 64;
  private static final int MAX_RANK = 1024;
  private static final long MIB = 1 << 20;
  private static final int PAGE = 100;

  private final PrintStream out;
  private final Operations operations;
  private final Ops ops;
  private final Engine engine;
  private final AdapterStore adapters;
  private final AttributionHall attribution;
  private final TrainingHall training;
  private final Security security;
  private final State state;
  private final Access access;
  private final GrpcServer grpc;
  private final @Nullable AdminServer admin;
  private final @Nullable Books books;
  private final @Nullable Upkeep upkeep;
  private volatile Config config;

  /// Loads the model, warms up and begins to answer.
  ///
  /// @param model file or folder
  /// @param out where it says what it does
  /// @param fatal told when the engine cannot go on: the process should end
  Server(Config config, Path model, PrintStream out, Consumer<Throwable> fatal) throws IOException {
    this.config = config;
    this.out = out;
    security = Security.of(config);
    if (security.tls() != null) {
      security.tls().check();
    }
    long start = System.nanoTime();
    Path data = DataFolder.open(config.dataOrDefault());
    state = State.open(data.resolve("state.db"), InstantSource.system());
    access =
        new Access(
            state,
            security.listen().isLoopback(),
            security.oidc(),
            System::nanoTime,
            InstantSource.system());
    AdminKey adminKey = security.admin() == null ? null : AdminKey.open(data);
    operations = new Operations(config);
    books = Bookkeeping.open(config, data, out);
    Checkpoint checkpoint = Checkpoint.open(model);
    LlamaConfig shape = LlamaLoader.config(checkpoint);
    Tokenizer tokenizer = tokenizer(checkpoint, model);
    String digest = BaseDigest.of(model);
    Device device = Device.open(config, out);
    ops = device.ops();
    KvBudget budget = KvBudget.of(shape, config.kvMemory, ops.freeMemory());
    EngineSettings settings =
        EngineSettings.of(
            digest, config.repeatable(), shape.context(), shape.vocabulary(), budget.pages());
    Llama llama = LlamaLoader.load(checkpoint, shape, ops, budget.pages(), settings.stepTokens());
    out.printf(
        "base      %s (%s), %d layers, context %,d%n",
        name(checkpoint, model), digest, shape.layers(), shape.context());
    llama
        .residentBytes()
        .forEach((form, bytes) -> out.printf("          %,d MiB as %s%n", bytes / MIB, form));
    out.printf("          loaded in %s%n", seconds(System.nanoTime() - start));
    out.printf(
        "paths     %s%n",
        llama.wideFrom() == Integer.MAX_VALUE
            ? "narrow only: no bfloat16 product here"
            : "wide from %d rows on, narrow below".formatted(llama.wideFrom()));
    out.printf(
        "cache     %,d MiB for keys and values: %,d tokens%n",
        budget.bytes() / MIB, budget.pages() * 16L);
    engine = new Engine(llama, TokenText.of(tokenizer), settings, System::nanoTime, fatal);
    engine.start();
    attribution =
        AttributionHall.open(
            data,
            ops,
            llama,
            engine,
            tokenizer,
            TrainingHall.encoder(tokenizer),
            books,
            state,
            this::examples);
    Set<String> names = BaseNames.of(checkpoint, digest, config.baseNames);
    Builds builds =
        books == null
            ? Builds.UNRECORDED
            : new LedgerBuilds(
                books.ledger(),
                books.accounts(),
                InstantSource.system(),
                this::trainedWith,
                this::index);
    adapters =
        new AdapterStore(
            new AdapterSettings(
                data, config.adapters, config.importRoot, config.adapterMemory * MIB),
            state,
            llama,
            new BaseIdentity(digest, names),
            new EngineProbe(engine, tokenizer),
            new HubAdapters(new AdapterHub(System.getenv())),
            builds);
    Processor processor = Processor.current();
    String numerics = numericsId(ops, processor);
    training =
        TrainingHall.open(
            state,
            data,
            ops,
            llama,
            engine,
            tokenizer,
            new TrainingBase(digest, fullName(names), shape, numerics),
            adapters);
    ServedModel served =
        new ServedModel(
            name(checkpoint, model),
            digest,
            names.stream().sorted().toList(),
            shape.family(),
            shape.vocabulary(),
            numerics,
            device.kind(),
            device.name(),
            config.threadsOrDefault(),
            processor.features(),
            llama.residentBytes().values().stream().mapToLong(Long::longValue).sum(),
            String.join(", ", llama.residentBytes().keySet()),
            VERSION);
    RequestLimits limits =
        new RequestLimits(
            MAX_ADAPTERS,
            MAX_SCORE_ITEMS,
            settings.maxRows(),
            settings.maxWaiting(),
            config.adapterMemory * MIB,
            MAX_RANK);
    GrpcSettings transport = GrpcSettings.of(Duration.ofSeconds(config.streamIdle));
    grpc =
        GrpcServer.start(
            new Serving(
                engine,
                tokenizer,
                adapters,
                attribution.attributing(),
                attribution.indexing(),
                training.runs(),
                served,
                GenerationConfig.defaults(model),
                limits,
                operations.metrics(),
                System::nanoTime,
                InstantSource.system()),
            transport,
            security.listen(),
            access,
            books,
            security.tls());
    operations.phase(grpc::phase);
    operations.answer(grpc.json());
    out.printf(
        "warm-up   %s on %d threads of %s%n",
        seconds(new Warmup(engine, shape).run(WARM_UP).toNanos()),
        config.threadsOrDefault(),
        device.name());
    operations.watch(name(checkpoint, model), engine, settings, this::tiers);
    attribution.indexFolders(
        adapters, adapters.catalogue().list(Set.of(AdapterStore.TENANT), null, PAGE), out);
    listAdapters();
    if (books != null) {
      record(books);
    }
    upkeep =
        books == null
            ? null
            : Upkeep.of(books, state.tenants(), config.settleEvery, InstantSource.system());
    grpc.serve();
    train();
    if (upkeep != null) {
      upkeep.start();
    }
    Certification certification =
        new Certification(
            new Certification.Surroundings(
                digest,
                Certification.formats(checkpoint),
                tokenizer,
                llama,
                device.kind().equals("cpu") ? ops : null,
                engine::background,
                KvBudget::free,
                config.importRoot,
                InstantSource.system()),
            data.resolve("certificates"));
    admin = adminKey == null ? null : startAdmin(adminKey, certification, transport, data);
    operations
        .webAddress()
        .ifPresent(
            web ->
                out.printf(
                    "page      http://%s/%nweb       http://%s/metrics, /healthz, /readyz%n",
                    web, web));
    if (operations.webIsOpen()) {
      out.println(
          "          open to other machines, without a key: names and figures of all tenants;"
              + " answers only with one");
    }
    out.printf("ready on %s after %s%n", address(), seconds(System.nanoTime() - start));
    adapters.rehearse();
  }

  private void train() throws IOException {
    int left = training.runs().begin();
    if (left > 0) {
      out.printf("training  goes on with what the last process left: %,d runs%n", left);
    }
    operations.metrics().watchTraining(training::figures);
  }

  private Optional<VersionIndex> index(VersionRecord version, LoraWeights weights)
      throws IOException {
    return attribution.index(version, weights);
  }

  private Optional<Dataset> examples(String tenant, String manifest) {
    return training.examples(tenant, manifest);
  }

  /// Settings of a version that was trained here.
  private String trainedWith(VersionRecord version) {
    return version.facts().origin() == Origin.TRAINED_HERE
        ? state
            .runs()
            .byDigest(version.adapter().tenant(), version.facts().digest())
            .map(RunRecord::settings)
            .orElse("")
        : "";
  }

  /// By which others find the base; null if it has no such name.
  private static @Nullable String fullName(Set<String> names) {
    return names.stream()
        .filter(name -> name.matches("[^/ ]+/[^/ ]+"))
        .sorted()
        .findFirst()
        .orElse(null);
  }

  private void record(Books kept) {
    int interrupted = kept.closeInterrupted(InstantSource.system());
    if (interrupted > 0) {
      out.printf(
          "          answers that the last process left open, now closed: %,d%n", interrupted);
    }
    operations.show(kept.ledger().log(), access);
    // Nothing is answered any more that could not be recorded: callers should go elsewhere.
    kept.ledger()
        .log()
        .whenBroken()
        .thenAccept(
            broken -> {
              log.error("nothing is answered any more: the ledger can't be written", broken);
              grpc.leave();
            });
    kept.ledger().log().witnesses().forEach(Server::tell);
    kept.ledger().log().watchWitnesses(Server::tell);
  }

  private @Nullable AdminServer startAdmin(
      AdminKey key, Certification certification, GrpcSettings settings, Path data)
      throws IOException {
    ListenAddress address = security.admin();
    if (address == null) {
      return null;
    }
    AdminServer server =
        AdminServer.start(key, grpc, this::tiers, certification, settings, address, security.tls());
    out.printf(
        "admin     on %s, its key in %s%n",
        new ListenAddress(address.host(), server.boundPort()), data.resolve(AdminKey.FILE));
    return server;
  }

  private static void tell(WitnessState witness) {
    witness
        .problem()
        .ifPresentOrElse(
            problem -> log.warn("witness {} {}", witness.name(), problem),
            () -> log.info("witness {} cosigned {} leaves", witness.name(), witness.size()));
  }

  /// What GetStats tells of adapters.
  private TierFigures tiers() {
    TierStats memory = adapters.stats();
    VersionTotals all = state.adapters().totals();
    return new TierFigures(
        memory.device(),
        memory.deviceBytes(),
        memory.host(),
        memory.hostBytes(),
        Math.max(0, all.versions() - memory.adapters()),
        Math.max(0, all.weightsBytes() - memory.bytes()),
        memory.loads());
  }

  static Tokenizer tokenizer(Checkpoint checkpoint, Path model) {
    return switch (checkpoint) {
      case Gguf gguf -> Tokenizer.fromGguf(gguf.metadata());
      case HfDirectory directory -> Tokenizer.fromHuggingFace(model);
    };
  }

  private static String name(Checkpoint checkpoint, Path model) {
    return checkpoint.metadata().get("general.name") instanceof String name
        ? name
        : String.valueOf(model.getFileName());
  }

  /// Digest of what decides an answer's bits besides the request.
  private static String numericsId(Ops ops, Processor processor) {
    String all = String.join("\n", ops.numerics(), String.join(" ", processor.features()), VERSION);
    return Hash.sha256(all.getBytes(StandardCharsets.UTF_8)).text();
  }

  private void listAdapters() {
    for (AdapterInfo info : adapters.catalogue().list(Set.of(AdapterStore.TENANT), null, PAGE)) {
      AdapterRefusal refusal = info.refusal();
      VersionRecord version = info.prod() == null ? null : info.prod().version();
      if (refusal != null) {
        out.printf("adapter   %-16s refused: %s%n", info.name(), refusal.message());
      } else if (version != null) {
        out.printf(
            "adapter   %-16s rank %d on %s%n",
            info.name(), version.facts().rank(), String.join(" ", version.facts().targets()));
      }
    }
  }

  private static String seconds(long nanos) {
    return String.format("%.1f s", nanos / 1e9);
  }

  /// Says what to type next.
  void suggest() {
    String client = "    client/tributary";
    if (!address().equals(Config.LISTEN)) {
      client += " --server " + address();
    }
    String ask = client + " generate %s\"Tell me about soap.\"%n";
    out.println();
    out.println("Try, in another terminal:");
    out.printf(ask, "");
    adapters.catalogue().list(Set.of(AdapterStore.TENANT), null, 1).stream()
        .filter(info -> info.prod() != null && info.refusal() == null)
        .forEach(info -> out.printf(ask, "-a " + info.name() + " "));
    out.println(client + " adapters list");
    out.println(client + " chat");
    out.println();
    if (access.isOpen()) {
      out.println(
          "Callers need no key: they are the tenant \"public\". Listening on loopback only is what"
              + " keeps others out, until the first key or tenant is made. Ctrl-C stops.");
    } else if (admin != null) {
      out.println(
          "Callers need a key; client/tributary admin keys create TENANT --role owner makes one."
              + " Ctrl-C stops.");
    } else {
      out.println("Callers need a key. Ctrl-C stops.");
    }
  }

  /// `host:port` that it answers on.
  String address() {
    return new ListenAddress(security.listen().host(), grpc.boundPort()).toString();
  }

  /// `host:port` of the admin port; null if there is none.
  @Nullable String adminAddress() {
    return security.admin() == null || admin == null
        ? null
        : new ListenAddress(security.admin().host(), admin.boundPort()).toString();
  }

  /// How long answers under way may go on when the server stops.
  Duration grace() {
    return Duration.ofSeconds(config.grace);
  }

  /// Takes over what may change while the server runs.
  void reload(Config before, Config now) {
    operations.reload(before, now);
    config = now;
  }

  /// Tells that callers should go elsewhere, lets answers under way end within the grace, then
  /// stops. The HTTP port is there until the end.
  @Override
  public void close() {
    try {
      grpc.leave();
      training.stop();
      Thread.sleep(Duration.ofSeconds(config.drainDelay));
      grpc.drain(grace());
    } catch (InterruptedException e) {
      grpc.close();
      Thread.currentThread().interrupt();
    }
    if (admin != null) {
      admin.close();
    }
    engine.close();
    attribution.close();
    adapters.close();
    ops.close();
    if (upkeep != null) {
      upkeep.close();
    }
    if (books != null) {
      books.close();
    }
    state.close();
    operations.close();
  }
}
