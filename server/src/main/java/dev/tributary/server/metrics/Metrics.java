package dev.tributary.server.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// Every meter of the server, and the records of calls that feed them. Thread safe.
public final class Metrics {
  /// The content type of [#scrape].
  public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  /// Different reasons of rejections that get a series.
  private static final int MAX_REASONS = 64;

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Labels labels = new Labels();
  private final Map<Labels.Pair, AnswerMeters> answers = new ConcurrentHashMap<>();
  private final Set<String> reasons = ConcurrentHashMap.newKeySet();
  private final VersionBook versions = new VersionBook(VersionBook.CAPACITY);
  private final AtomicInteger leases = new AtomicInteger();
  private final AtomicInteger attributing = new AtomicInteger();
  private final AdaptersInUse inUse;
  private final Traces traces;
  private final LongSupplier clock;
  private final InstantSource time;
  private final Timer steps;
  final Timer prefill;
  final Timer decode;
  final DistributionSummary promptTokens;
  final DistributionSummary completionTokens;
  private volatile Supplier<EngineFigures> engine = () -> EngineFigures.NONE;
  private volatile Supplier<TierFigures> tiers = () -> TierFigures.NONE;

  private volatile Supplier<TrainingFigures> training = () -> TrainingFigures.NONE;

  /// Of the latest scrape.
  private volatile TrainingFigures trainingNow = TrainingFigures.NONE;

  private volatile TierFigures tiersNow = TierFigures.NONE;

  private volatile String model = "";

  /// @param clock nanoseconds, as [System#nanoTime]
  /// @param time of day, for spans
  public Metrics(Traces traces, LongSupplier clock, InstantSource time) {
    this.traces = traces;
    this.clock = clock;
    this.time = time;
    inUse = new AdaptersInUse(time::millis);
    MachineMeters.bind(registry);
    steps = timer("tributary.step.time", "One step of the engine, with sampling.", Buckets.STEP);
    prefill =
        timer(
            "tributary.request.prefill.time",
            "From a row's start to its first token.",
            Buckets.CALL);
    decode =
        timer("tributary.request.decode.time", "From the first token to the last.", Buckets.CALL);
    promptTokens = tokens("tributary.request.prompt.tokens", "Tokens of a request's prompt.");
    completionTokens = tokens("tributary.request.generation.tokens", "Tokens of an answer.");
    Gauge.builder("tributary.adapter.leases.open", leases, AtomicInteger::get)
        .description("Rights to use an adapter that calls hold now.")
        .register(registry);
    Gauge.builder("tributary.attributions.pending", attributing, AtomicInteger::get)
        .description("Answers that have ended and have no attribution yet.")
        .register(registry);
    watchEngine();
  }

  /// A call has arrived.
  ///
  /// @param method full name, such as `tributary.v1.Inference/Generate`; of a fixed set
  /// @param header value of a header of the call by its name, for the W3C trace context
  public CallRecord begin(String method, Function<String, @Nullable String> header) {
    return new CallRecord(this, method, traces.begin(method, header), clock, time.instant());
  }

  /// From now on the engine's figures are known.
  ///
  /// @param model name of the base
  /// @param figures called at each scrape; must not block
  public void serves(String model, Supplier<EngineFigures> figures) {
    this.model = model;
    engine = figures;
  }

  /// What the engine is doing, or [EngineFigures#NONE] before there is one.
  public EngineFigures engine() {
    return engine.get();
  }

  /// Takes the time of each step, in nanoseconds.
  public LongConsumer stepTimes() {
    return nanos -> steps.record(Duration.ofNanos(nanos));
  }

  /// How full each tier is.
  ///
  /// @param figures called once at each scrape; must not block
  public void watchTiers(Supplier<TierFigures> figures) {
    tiers = figures;
    tierGauges("device", TierFigures::device, TierFigures::deviceBytes);
    tierGauges("host", TierFigures::host, TierFigures::hostBytes);
    tierGauges("disk", TierFigures::disk, TierFigures::diskBytes);
  }

  /// What is trained.
  ///
  /// @param figures called once at each scrape; must not block
  public void watchTraining(Supplier<TrainingFigures> figures) {
    training = figures;
    runGauge("queued", TrainingFigures::queued);
    runGauge("running", TrainingFigures::running);
    endedRuns("succeeded", TrainingFigures::succeeded);
    endedRuns("failed", TrainingFigures::failed);
    endedRuns("cancelled", TrainingFigures::cancelled);
    FunctionCounter.builder(
            "tributary.training.tokens", this, metrics -> metrics.trainingNow.tokens())
        .description("Tokens trained on, by runs that ended or run.")
        .register(registry);
    Gauge.builder("tributary.training.loss", this, metrics -> metrics.trainingNow.loss())
        .description("Mean loss a token over the last step of the run that runs.")
        .register(registry);
    Gauge.builder("tributary.training.step", this, metrics -> metrics.trainingNow.steps())
        .description("Steps that the run that runs has done.")
        .register(registry);
  }

  private void runGauge(String state, ToDoubleFunction<TrainingFigures> value) {
    Gauge.builder(
            "tributary.training.runs", this, metrics -> value.applyAsDouble(metrics.trainingNow))
        .description("Runs of training that have not ended, by state.")
        .tag("state", state)
        .register(registry);
  }

  private void endedRuns(String state, ToDoubleFunction<TrainingFigures> value) {
    FunctionCounter.builder(
            "tributary.training.runs.ended",
            this,
            metrics -> value.applyAsDouble(metrics.trainingNow))
        .description("Runs of training that ended, by how.")
        .tag("state", state)
        .register(registry);
  }

  public VersionBook versions() {
    return versions;
  }

  /// All series in the Prometheus text format: [#CONTENT_TYPE].
  public String scrape() {
    tiersNow = tiers.get();
    trainingNow = training.get();
    return registry.scrape(CONTENT_TYPE)
        + new Gateway(model).lines(engine(), inUse.now(Gateway.MAX_NAMES));
  }

  AnswerMeters answers(String tenant, String adapter) {
    return answers.computeIfAbsent(
        labels.of(tenant, adapter), pair -> new AnswerMeters(registry, pair));
  }

  Traces traces() {
    return traces;
  }

  AdaptersInUse inUse() {
    return inUse;
  }

  /// Calls that hold leases hold so many more, or fewer.
  void leased(int change) {
    leases.addAndGet(change);
  }

  /// A lease was had.
  ///
  /// @param tier where the weights were when it was asked for
  void loaded(String tier, Duration waited) {
    Counter.builder("tributary.adapter.leases")
        .description("Adapters that calls got, by where their weights were.")
        .tag("tier", tier)
        .register(registry)
        .increment();
    if (waited.isPositive()) {
      Timer.builder("tributary.adapter.load.time")
          .description("How long calls waited for an adapter's weights, by where they were.")
          .serviceLevelObjectives(Buckets.LOAD)
          .tag("tier", tier)
          .register(registry)
          .record(waited);
    }
  }

  /// A record of the ledger became durable.
  ///
  /// @param kind of a fixed set
  public void recorded(String kind, Duration waited) {
    Timer.builder("tributary.ledger.append.time")
        .description("From handing a record to the ledger until it is durable, by kind.")
        .serviceLevelObjectives(Buckets.APPEND)
        .tag("kind", kind)
        .register(registry)
        .record(waited);
  }

  /// So many more answers, or fewer, wait for their attribution.
  public void attributing(int change) {
    attributing.addAndGet(change);
  }

  /// An attribution became durable.
  ///
  /// @param method of a fixed set
  /// @param outcome of a fixed set
  /// @param waited since the answer's record was durable
  public void attributed(String method, String outcome, Duration waited) {
    Counter.builder("tributary.attributions")
        .description("Attributions of answers by method and outcome.")
        .tag("method", method)
        .tag("outcome", outcome)
        .register(registry)
        .increment();
    Timer.builder("tributary.attribution.time")
        .description("From an answer's record to that of its attribution, by method.")
        .serviceLevelObjectives(Buckets.ATTRIBUTION)
        .tag("method", method)
        .register(registry)
        .record(waited);
  }

  void ended(String method, String code) {
    Counter.builder("tributary.requests")
        .description("Calls by method and gRPC status.")
        .tag("method", method)
        .tag("code", code)
        .register(registry)
        .increment();
  }

  void rejected(String reason) {
    boolean known = reasons.contains(reason) || reasons.size() < MAX_REASONS && reasons.add(reason);
    Counter.builder("tributary.rejections")
        .description("Calls turned down before they started, by why.")
        .tag("reason", known ? reason : Labels.OTHER)
        .register(registry)
        .increment();
  }

  private void watchEngine() {
    gauge("tributary.num.requests.running", "Rows in work.", EngineFigures::running);
    gauge("tributary.num.requests.waiting", "Rows in the queue.", EngineFigures::waiting);
    gauge("tributary.num.requests.max", "Rows that can be in work.", EngineFigures::maxRows);
    gauge("tributary.kv.cache.usage.perc", "Share of pages held: 1 is all.", EngineFigures::kvUse);
    gauge("tributary.kv.pages.limit", "Pages of keys and values there are.", EngineFigures::pages);
    gauge("tributary.kv.pages.used", "Pages that rows hold.", e -> e.pages() - e.freePages());
    gauge(
        "tributary.kv.pages.cached",
        "Pages that no row holds but that keep a prefix.",
        EngineFigures::cachedPages);
    counter("tributary.preemptions", "Rows that gave up their pages.", EngineFigures::preemptions);
    counter("tributary.steps.failed", "Steps that failed.", EngineFigures::failedSteps);
    counter(
        "tributary.prefix.cache.queries",
        "Tokens of prompts looked up in the cache.",
        e -> e.promptTokens() + e.prefixTokens());
    counter(
        "tributary.prefix.cache.hits",
        "Tokens of prompts found there.",
        EngineFigures::prefixTokens);
    counter(
        "tributary.engine.prompt.tokens",
        "Tokens of prompts computed.",
        EngineFigures::promptTokens);
    counter(
        "tributary.engine.generation.tokens", "Tokens sampled.", EngineFigures::generatedTokens);
  }

  private void gauge(String name, String description, ToDoubleFunction<EngineFigures> value) {
    Gauge.builder(name, this, metrics -> value.applyAsDouble(metrics.engine()))
        .description(description)
        .register(registry);
  }

  private void counter(String name, String description, ToDoubleFunction<EngineFigures> value) {
    FunctionCounter.builder(name, this, metrics -> value.applyAsDouble(metrics.engine()))
        .description(description)
        .register(registry);
  }

  private void tierGauges(
      String tier, ToDoubleFunction<TierFigures> adapters, ToDoubleFunction<TierFigures> bytes) {
    tierGauge("tributary.adapters", "Versions by tier.", tier, adapters);
    tierGauge("tributary.adapter.bytes", "Bytes by tier.", tier, bytes);
  }

  private void tierGauge(
      String name, String description, String tier, ToDoubleFunction<TierFigures> value) {
    Gauge.builder(name, this, metrics -> value.applyAsDouble(metrics.tiersNow))
        .description(description)
        .tag("tier", tier)
        .register(registry);
  }

  private Timer timer(String name, String description, Duration[] buckets) {
    return Timer.builder(name)
        .description(description)
        .serviceLevelObjectives(buckets)
        .register(registry);
  }

  private DistributionSummary tokens(String name, String description) {
    return DistributionSummary.builder(name)
        .description(description)
        .serviceLevelObjectives(Buckets.TOKENS)
        .register(registry);
  }
}
