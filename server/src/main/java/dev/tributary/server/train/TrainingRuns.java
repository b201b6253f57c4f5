package dev.tributary.server.train;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.server.adapter.AdapterException;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.state.Contributions;
import dev.tributary.server.state.RunRecord;
import dev.tributary.server.state.RunRecord.Kind;
import dev.tributary.server.state.Runs;
import dev.tributary.server.state.State;
import dev.tributary.server.state.StateException;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The runs of a server: one at a time, in the order in which they were started, on a thread of
/// their own. Thread safe.
///
/// A run is in the state before its caller hears of it, and its examples are on disk before that.
/// What waited or ran when the process ended is taken up again by the next one's [#begin]. A
/// process that ends in order ([#close]) has the run under way store where it is first.
public final class TrainingRuns implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TrainingRuns.class);

  /// Runs that wait, of all tenants.
  public static final int MOST_QUEUED = 16;

  /// For a run's step and its checkpoint, when the process ends.
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final State state;
  private final Runs runs;
  private final RunFiles files;
  private final RunExamples examples;
  private final RunSources sources;
  private final RunWork work;
  private final LlamaConfig base;
  private final Publisher publisher;
  private final Optional<TrainingRefusal.Unable> unable;
  private final LongSupplier nanoTime;
  private final List<Watcher> watchers = new CopyOnWriteArrayList<>();
  private final RunTotals totals = new RunTotals();

  /// Held where examples come to be kept, or are forgotten: else one could be kept that was
  /// withdrawn in between.
  private final Object keeping = new Object();

  /// Those that wait or run, by id, in their order.
  @GuardedBy("this")
  private final Map<String, OpenRun> open = new LinkedHashMap<>();

  @GuardedBy("this")
  private boolean closing;

  @GuardedBy("this")
  private @Nullable Thread worker;

  private record Watcher(String run, Runnable changed) {}

  /// @param encoder of examples, as prompts are encoded
  /// @param exampleTokens most tokens of one example
  /// @param unable why this server trains nothing; empty: it does
  /// @param nanoTime a clock in nanoseconds
  public TrainingRuns(
      State state,
      RunFiles files,
      ExampleTokens encoder,
      int exampleTokens,
      LlamaConfig base,
      Training training,
      Publisher publisher,
      Optional<TrainingRefusal.Unable> unable,
      LongSupplier nanoTime) {
    this.state = state;
    this.runs = state.runs();
    this.files = files;
    this.publisher = publisher;
    this.unable = unable;
    this.nanoTime = nanoTime;
    this.base = base;
    examples = new RunExamples(files, state.contributions(), encoder);
    sources = new RunSources(state, examples, exampleTokens);
    work = new RunWork(files, examples, base, training);
  }

  /// Takes up what an earlier process left, and begins to train.
  ///
  /// @return how many runs there were
  public int begin() throws IOException {
    List<RunRecord> left = runs.open();
    files.sweep(
        tenant -> state.tenants().get(tenant).isPresent(),
        id -> left.stream().anyMatch(run -> run.id().equals(id)));
    // What an end of the process kept from being forgotten.
    for (Contributions.Manifest manifest : state.contributions().withdrawnManifests()) {
      examples.forgetWithdrawn(manifest.tenant(), manifest.digest());
    }
    synchronized (this) {
      left.forEach(this::put);
      if (unable.isEmpty()) {
        // Encoding examples keeps a processor busy, which a virtual thread would take from calls.
        worker = Thread.ofPlatform().daemon().name("training").start(this::work);
      }
    }
    return left.size();
  }

  @GuardedBy("this")
  private void put(RunRecord run) {
    open.put(run.id(), new OpenRun(run, nanoTime, () -> tell(run.id())));
    notifyAll();
  }

  /// What can be trained on.
  public RunSources sources() {
    return sources;
  }

  /// @throws TrainingException Unable
  public void requireAble() {
    unable.ifPresent(
        reason -> {
          throw new TrainingException(reason);
        });
  }

  /// Bytes of the weights of what comes out of a run.
  public long adapterBytes(RunSettings settings) {
    return settings.lora().servedBytes(base);
  }

  /// Forgets what is kept of a contribution that was withdrawn, in whichever manifests. Durable on
  /// return.
  public void forget(String tenant, String contribution) throws IOException {
    synchronized (keeping) {
      for (String manifest : state.contributions().manifestsOf(tenant, contribution)) {
        examples.forgetWithdrawn(tenant, manifest);
      }
    }
  }

  /// Refuses what could not be trained, before anything is registered.
  ///
  /// @return examples that will be held out
  /// @throws InvalidSettingException if the settings do not fit the examples
  public int check(RunOrder order, RunSource source) {
    return work.members(
            Kind.VERSION,
            order.settings(),
            order.subsets(),
            order.seeds(),
            source.dataset().examples(),
            order.heldOut().length == 0
                ? List.of()
                : sources.heldOut(order.heldOut(), order.settings()).examples())
        .getFirst()
        .getFirst()
        .heldOut()
        .size();
  }

  /// Queues a run that was checked.
  ///
  /// @param source with its manifest, which is registered
  /// @throws StateException AlreadyExists, if there is one of the request id; OverQuota, if too
  ///   many wait
  public RunView start(RunOrder order, RunSource source) throws IOException {
    int heldOut = check(order, source);
    String tenant = order.adapter().tenant();
    synchronized (keeping) {
      if (!source.contributions().isEmpty()) {
        state.contributions().list(tenant, source.manifest(), source.contributions());
      }
      files.keep(tenant, source.manifest(), source.lines());
      examples.forgetWithdrawn(tenant, source.manifest());
    }
    Runs.Start start =
        new Runs.Start(
            order.adapter(),
            Kind.VERSION,
            RunView.text(order.settings()),
            order.alias(),
            order.subsets(),
            order.seeds(),
            source.manifest(),
            RunView.text(new RunData(source.dataset().report(), heldOut)),
            null,
            "",
            order.requestId());
    return start(start, order.heldOut());
  }

  /// Queues the training of adapters on subsets of the contributors of a version.
  ///
  /// @throws TrainingException as [RunSources#trained], and if some of its contributions were
  ///   withdrawn
  /// @throws InvalidSettingException if there are no such subsets
  public RunView startAuditSet(RunView trained, int subsets, int seeds, String requestId)
      throws IOException {
    RunRecord run = trained.run();
    requireNotWithdrawn(run);
    RunSource source =
        sources.ofManifest(run.adapter().tenant(), run.manifest(), trained.settings());
    var unused =
        work.members(
            Kind.AUDIT_SET,
            trained.settings(),
            subsets,
            seeds,
            source.dataset().examples(),
            List.of());
    return start(auditSet(run, subsets, seeds, requestId), new byte[0]);
  }

  private static Runs.Start auditSet(RunRecord run, int subsets, int seeds, String requestId) {
    return new Runs.Start(
        run.adapter(),
        Kind.AUDIT_SET,
        run.settings(),
        "",
        subsets,
        seeds,
        run.manifest(),
        run.data(),
        run.version(),
        run.digest(),
        requestId);
  }

  private RunView start(Runs.Start start, byte[] heldOut) throws IOException {
    synchronized (this) {
      RunRecord run = runs.create(start, MOST_QUEUED);
      if (heldOut.length > 0) {
        files.keepHeldOut(run.adapter(), run.id(), heldOut);
      }
      put(run);
      log.info("run {} of {} waits", run.id(), run.adapter());
      return view(run);
    }
  }

  /// The run that a request id started; empty for an empty id.
  public Optional<RunRecord> byRequest(String tenant, String requestId) {
    return runs.byRequest(tenant, requestId);
  }

  /// A run of this tenant.
  ///
  /// @throws StateException NotFound
  public RunView get(String tenant, String id) {
    return view(runs.require(tenant, id));
  }

  /// A tenant's runs, newest first; see [Runs#list].
  public List<RunView> list(String tenant, String adapter, long before, int limit) {
    return runs.list(tenant, adapter, before, limit).stream().map(this::view).toList();
  }

  private synchronized RunView view(RunRecord stored) {
    OpenRun live = open.get(stored.id());
    if (live == null) {
      // It may have ended since it was read.
      return RunView.of(stored.isOpen() ? runs.require(stored) : stored);
    }
    int before = 0;
    for (String id : open.keySet()) {
      if (id.equals(stored.id())) {
        break;
      }
      before++;
    }
    return RunView.of(live.run(), live.progress(), before);
  }

  /// Hears of every change of a run from now on.
  ///
  /// @param changed must neither block nor throw
  /// @return to be run to hear no more
  public Runnable listen(String id, Runnable changed) {
    Watcher watcher = new Watcher(id, changed);
    watchers.add(watcher);
    return () -> watchers.remove(watcher);
  }

  private void tell(String id) {
    for (Watcher watcher : watchers) {
      if (watcher.run.equals(id)) {
        watcher.changed.run();
      }
    }
  }

  /// Ends a run without a version.
  ///
  /// @throws StateException NotFound
  /// @throws TrainingException Past
  public RunView cancel(String tenant, String id) {
    RunRecord cancelled;
    synchronized (this) {
      RunRecord run = runs.require(tenant, id);
      OpenRun live = open.get(id);
      if (live == null) {
        throw new TrainingException(new TrainingRefusal.Past(run, false));
      }
      OpenRun.Phase before = live.phase();
      if (before == OpenRun.Phase.PUBLISHING) {
        throw new TrainingException(new TrainingRefusal.Past(run, true));
      }
      var unused = live.enter(OpenRun.Phase.CANCELLED);
      cancelled = end(live, RunRecord.State.CANCELLED, "");
      if (before == OpenRun.Phase.WAITING) {
        files.drop(cancelled);
      }
    }
    tell(id);
    return RunView.of(cancelled);
  }

  @GuardedBy("this")
  private RunRecord end(OpenRun live, RunRecord.State how, String error) {
    RunProgress progress = live.progress();
    RunRecord ended = runs.end(live.run(), how, error, RunView.text(progress));
    live.run(ended);
    open.remove(ended.id());
    totals.ended(how, progress.tokens());
    log.info("run {} of {}: {} {}", ended.id(), ended.adapter(), how, error);
    return ended;
  }

  private void work() {
    for (OpenRun next = next(); next != null; next = next()) {
      String id = next.run().id();
      try {
        run(next);
      } catch (Exception | Error e) {
        failed(next, e);
      }
      tell(id);
    }
  }

  private synchronized @Nullable OpenRun next() {
    try {
      while (!closing && open.isEmpty()) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
    if (closing) {
      return null;
    }
    OpenRun next = open.values().iterator().next();
    next.run(runs.begin(next.run()));
    var unused = next.enter(OpenRun.Phase.TRAINING);
    return next;
  }

  private void run(OpenRun live) throws IOException {
    RunRecord run = live.run();
    log.info("run {} of {} begins", run.id(), run.adapter());
    tell(run.id());
    requireNotWithdrawn(run);
    switch (work.train(live, () -> live.isCancelled() || isClosing())) {
      case RunEnd.Stopped() -> {
        if (live.isCancelled()) {
          files.drop(run);
        } else {
          log.info("run {} of {} is stored, to be gone on with", run.id(), run.adapter());
        }
      }
      case RunEnd.Diverged(String why) -> fail(live, why);
      case RunEnd.Adapter(Outcome.Trained trained) -> publish(live, trained);
      case RunEnd.AuditSet() -> succeed(live, live.run().version(), "");
    }
  }

  private void publish(OpenRun live, Outcome.Trained trained) throws IOException {
    if (!live.enter(OpenRun.Phase.PUBLISHING)) {
      files.drop(live.run());
      return;
    }
    // Something may have been withdrawn meanwhile.
    requireNotWithdrawn(live.run());
    live.run(runs.trained(live.run(), trained.report().adapterDigest()));
    RunRecord run = live.run();
    int version = publisher.publish(run.adapter(), trained.folder(), run.manifest());
    if (!run.alias().isEmpty()) {
      publisher.alias(run.adapter(), run.alias(), version);
    }
    succeed(live, version, RunView.text(RunResult.of(trained.report())));
    if (run.subsets() > 0) {
      var unused = start(auditSet(live.run(), run.subsets(), run.seeds(), ""), new byte[0]);
    }
  }

  private void succeed(OpenRun live, @Nullable Integer version, String result) {
    synchronized (this) {
      RunProgress progress = live.progress();
      RunRecord done = runs.succeed(live.run(), version, RunView.text(progress), result);
      live.run(done);
      open.remove(done.id());
      totals.ended(RunRecord.State.SUCCEEDED, progress.tokens());
      log.info("run {} of {}: version {}, {}", done.id(), done.adapter(), version, done.digest());
    }
    files.drop(live.run());
  }

  private void failed(OpenRun live, Throwable cause) {
    if (isClosing()) {
      log.info("run {} ends with the process: {}", live.run().id(), cause.toString());
      return;
    }
    if (live.isCancelled()) {
      files.drop(live.run());
      return;
    }
    try {
      fail(live, reason(live.run(), cause));
    } catch (StateException e) {
      log.error("run {} failed, and that cannot be stored", live.run().id(), e);
      synchronized (this) {
        // The next process takes it up.
        open.remove(live.run().id());
      }
    }
  }

  /// What the caller is told; what nobody expected is logged and not told.
  private static String reason(RunRecord run, Throwable cause) {
    return switch (cause) {
      case DataException data -> data.refusal().message();
      case InvalidSettingException setting -> String.valueOf(setting.getMessage());
      case TrainingException refused -> refused.refusal().message();
      case RunException stored -> stored.refusal().message();
      case AdapterException adapter -> adapter.refusal().message();
      case StateException refused -> refused.reason().message();
      default -> {
        log.error("run {} failed", run.id(), cause);
        yield "internal error, logged as run " + run.id();
      }
    };
  }

  private void fail(OpenRun live, @Nullable String why) {
    RunRecord ended;
    synchronized (this) {
      ended = end(live, RunRecord.State.FAILED, String.valueOf(why));
    }
    files.drop(ended);
  }

  private void requireNotWithdrawn(RunRecord run) {
    int withdrawn = state.contributions().withdrawnOf(run.adapter().tenant(), run.manifest());
    if (withdrawn > 0) {
      throw new TrainingException(new TrainingRefusal.Withdrawn(run.manifest(), withdrawn));
    }
  }

  private synchronized boolean isClosing() {
    return closing;
  }

  /// Runs in figures.
  public synchronized RunFigures figures() {
    int running = 0;
    long tokens = totals.tokens();
    double loss = Double.NaN;
    int steps = 0;
    for (OpenRun live : open.values()) {
      if (live.phase() != OpenRun.Phase.WAITING) {
        RunProgress progress = live.progress();
        running++;
        tokens += progress.tokens();
        steps = progress.step();
        loss = progress.loss() == null ? Double.NaN : progress.loss();
      }
    }
    return new RunFigures(
        open.size() - running,
        running,
        totals.of(RunRecord.State.SUCCEEDED),
        totals.of(RunRecord.State.FAILED),
        totals.of(RunRecord.State.CANCELLED),
        tokens,
        loss,
        steps);
  }

  /// Has the run under way store where it is, and waits for that; what runs and waits is taken up
  /// again by the next process. To be called while the device still works.
  @Override
  public void close() {
    Thread thread;
    synchronized (this) {
      closing = true;
      notifyAll();
      thread = worker;
    }
    try {
      if (thread != null && !thread.join(PATIENCE)) {
        log.warn("the run under way goes on from its last checkpoint");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
