package dev.tributary.server.engine;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.StepRunner;
import dev.tributary.server.schedule.PathRun;
import dev.tributary.server.schedule.Priority;
import dev.tributary.server.schedule.Request;
import dev.tributary.server.schedule.Scope;
import dev.tributary.server.schedule.Sequence;
import dev.tributary.server.tensor.KvCache;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Runs jobs on the device. Methods may be called by any thread and, but for [#close], don't block.
public final class Engine implements AutoCloseable {
  /// As whose probes queue: the server's own.
  private static final String PROBES = "";

  /// How often the watchdog looks.
  private static final Duration WATCH = Duration.ofSeconds(1);

  private final StepRunner runner;
  private final EngineSettings settings;
  private final TokenText text;
  private final LongSupplier clock;
  private final Consumer<Throwable> fatal;
  private final AtomicBoolean fatalTold = new AtomicBoolean();
  private final Inbox inbox;
  private final Watchdog watchdog;
  private final Background background;
  private final EngineLoop loop;
  private final AtomicLong nextId = new AtomicLong();
  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private final AtomicLong drainAt = new AtomicLong();
  private volatile boolean draining;
  private volatile @Nullable Thread thread;

  /// @param runner used by the engine's thread alone from [#start] on
  /// @param clock nanoseconds, as [System#nanoTime]
  /// @param fatal told once, from any thread, when the engine can't go on: the process should end
  public Engine(
      StepRunner runner,
      TokenText text,
      EngineSettings settings,
      LongSupplier clock,
      Consumer<Throwable> fatal) {
    this.runner = runner;
    this.settings = settings;
    this.text = text;
    this.clock = clock;
    this.fatal = fatal;
    inbox = new Inbox(settings.maxWaiting(), settings.retryAfter());
    watchdog = new Watchdog(clock, settings.stepTimeout(), this::tellFatal);
    background = new Background(clock, watchdog);
    loop = new EngineLoop(runner, settings, clock, inbox, watchdog, background);
  }

  /// Starts the thread that owns the device, once.
  public void start() {
    if (thread != null) {
      throw new IllegalStateException("started already");
    }
    Thread owner = Thread.ofPlatform().name("engine").daemon().unstarted(this::run);
    thread = owner; // Before it can park: whoever submits from here on can wake it.
    owner.start();
    Thread.ofPlatform().name("engine-watchdog").daemon().start(this::watch);
  }

  /// Longest sequence, prompt and answer, that context and cache can hold; in tokens.
  public int maxSequence() {
    return (int) Math.min(settings.context(), (long) settings.pages() * KvCache.PAGE);
  }

  /// Takes a generation, or throws a [Rejection]. Its max_tokens is clipped to what [#maxSequence]
  /// has left after the prompt.
  public Ticket submit(Job job, Observer observer) {
    checkTokens(job.prompt(), maxSequence() - 1);
    job.sampling().checkVocabulary(settings.vocabulary());
    int room = maxSequence() - job.prompt().length;
    Sampling clipped = job.sampling().withMaxTokens(Math.min(job.sampling().maxTokens(), room));
    Request request =
        new Request(
            nextId.getAndIncrement(),
            job.tenant(),
            job.weight(),
            job.priority(),
            job.prompt(),
            clipped.maxTokens(),
            job.echo() && job.logprobs().isPresent() ? 0 : job.prompt().length - 1,
            settings.repeatable() || job.repeatable(),
            scope(job.tenant(), job.adapters()),
            job.paths());
    Row row =
        new GenerationRow(new Sequence(request), clock.getAsLong(), job, clipped, observer, text);
    enqueue(row);
    return row::cancel;
  }

  /// Takes tokens to score, or throws a [Rejection]. Cancelling the future frees the row; it fails
  /// with [JobFailedException].
  public CompletableFuture<ScoreJob.Scores> score(ScoreJob job) {
    checkTokens(job.tokens(), maxSequence());
    // The last token is only looked up, never computed.
    Request request =
        new Request(
            nextId.getAndIncrement(),
            job.tenant(),
            job.weight(),
            job.priority(),
            Arrays.copyOf(job.tokens(), job.tokens().length - 1),
            0,
            job.from() - 1,
            settings.repeatable() || job.repeatable(),
            scope(job.tenant(), job.adapters()),
            List.of());
    CompletableFuture<ScoreJob.Scores> result = new CompletableFuture<>();
    Row row = new ScoreRow(new Sequence(request), clock.getAsLong(), job, result);
    return enqueue(row, result);
  }

  /// With what probability each token of an answer would be drawn: `[output]`; or throws a
  /// [Rejection]. Cancelling the future frees the row; it fails with [JobFailedException].
  public CompletableFuture<float[]> likelihoods(LikelihoodJob job) {
    checkTokens(job.prompt(), maxSequence());
    checkTokens(job.output(), maxSequence() - job.prompt().length);
    Request request =
        new Request(
            nextId.getAndIncrement(),
            job.tenant(),
            job.weight(),
            Priority.LOWEST,
            job.computed(),
            0,
            job.prompt().length - 1,
            settings.repeatable(),
            scope(job.tenant(), job.adapters()),
            job.paths());
    CompletableFuture<float[]> result = new CompletableFuture<>();
    Row row = new LikelihoodRow(new Sequence(request), clock.getAsLong(), job, result);
    return enqueue(row, result);
  }

  /// The logits `[vocabulary]` after the last token of `prompt` under each of `uses`, in order, all
  /// computed in one step; or throws a [Rejection]. Cancelling the future frees the row; it fails
  /// with [JobFailedException].
  ///
  /// @param uses as many as fit a chunk of [EngineSettings#chunk] tokens with the prompt padded to
  ///   pages
  public CompletableFuture<List<float[]>> probe(
      int[] prompt, List<List<AdapterUse>> uses, ComputePath path) {
    checkTokens(prompt, maxSequence());
    int length = ProbeRow.length(prompt.length, uses.size());
    if (length > Math.min(settings.chunk(), maxSequence())) {
      throw new Rejection.PromptTooLong(length, Math.min(settings.chunk(), maxSequence()));
    }
    Request request =
        new Request(
            nextId.getAndIncrement(),
            PROBES,
            Request.DEFAULT_WEIGHT,
            Priority.HIGH,
            new int[length],
            0,
            0,
            false,
            null,
            List.of(new PathRun(path, length)));
    CompletableFuture<List<float[]>> result = new CompletableFuture<>();
    Row row =
        new ProbeRow(
            new Sequence(request), clock.getAsLong(), prompt.clone(), List.copyOf(uses), result);
    return enqueue(row, result);
  }

  /// Calls `piece` on the engine's thread again and again until it returns false; or throws a
  /// [Rejection]. It may use the device, for a few milliseconds a call: the step of who comes
  /// meanwhile waits for it. While jobs run it gets a bounded share of the time ([Background]).
  ///
  /// The future fails with [JobFailedException] if a piece throws, and at once when the engine is
  /// drained. Cancelling it ends the calls.
  public CompletableFuture<Void> background(BooleanSupplier piece) {
    CompletableFuture<Void> done = background.put(piece);
    wake();
    return done;
  }

  /// Takes no more jobs; those taken may go on for `grace`, then fail with [Failure.Draining]. A
  /// later call can only shorten the grace. The future completes when no job is left.
  public CompletableFuture<Void> drain(Duration grace) {
    long at = clock.getAsLong() + grace.toNanos();
    synchronized (drained) {
      drainAt.set(draining ? Math.min(drainAt.get(), at) : at);
      draining = true;
    }
    inbox.close();
    background.close();
    wake();
    return drained.copy();
  }

  public EngineStats stats() {
    return loop.stats();
  }

  /// From now on `nanos` takes the time of each step, sampling included; called on the engine's
  /// thread, so it must not block.
  public void watchSteps(LongConsumer nanos) {
    loop.watchSteps(nanos);
  }

  /// Drains without grace and waits for the thread to end, as long as a step may take. Called by
  /// that thread itself (a fatal handler may), it does not wait.
  @Override
  public void close() {
    var unused = drain(Duration.ZERO);
    Thread started = thread;
    if (started == null) {
      turn();
      return;
    }
    if (started == Thread.currentThread()) {
      return;
    }
    try {
      started.join(settings.stepTimeout());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// One turn of the loop; 0 is idle. For the engine's thread, and tests in its place.
  int turn() {
    int done = loop.doWork(draining ? OptionalLong.of(drainAt.get()) : OptionalLong.empty());
    if (draining && loop.isIdle() && inbox.isDone()) {
      drained.complete(null);
    }
    return done;
  }

  /// For the watchdog's thread, and tests in its place.
  void checkStep() {
    watchdog.check();
  }

  private void run() {
    try {
      runner.claimThread();
      while (!drained.isDone()) {
        if (turn() == 0 && !drained.isDone()) {
          LockSupport.park(this);
        }
      }
    } catch (RuntimeException | Error e) {
      inbox.close();
      background.close();
      loop.failAll(new Failure.Internal(e));
      drained.complete(null);
      tellFatal(e);
    }
  }

  private void watch() {
    while (!drained.isDone()) {
      LockSupport.parkNanos(this, WATCH.toNanos());
      checkStep();
    }
  }

  private void tellFatal(Throwable cause) {
    if (fatalTold.compareAndSet(false, true)) {
      fatal.accept(cause);
    }
  }

  /// Null if not all of the adapters are versions: then nothing is shared.
  private @Nullable Scope scope(String tenant, List<AdapterUse> adapters) {
    List<Scope.Adapter> keys = new ArrayList<>(adapters.size());
    for (AdapterUse use : adapters) {
      if (use.digest().isEmpty()) {
        return null;
      }
      keys.add(new Scope.Adapter(use.digest(), Float.floatToIntBits(use.scale())));
    }
    return new Scope(tenant, settings.base(), keys);
  }

  private <T> CompletableFuture<T> enqueue(Row row, CompletableFuture<T> result) {
    result.whenComplete(
        (value, error) -> {
          if (result.isCancelled()) {
            row.cancel();
          }
        });
    enqueue(row);
    return result;
  }

  private void enqueue(Row row) {
    row.hold();
    try {
      inbox.put(row);
    } catch (Rejection e) {
      row.letGo();
      throw e;
    }
    wake();
  }

  private void wake() {
    LockSupport.unpark(thread);
  }

  private void checkTokens(int[] tokens, int limit) {
    if (tokens.length == 0) {
      throw new Rejection.InvalidField("input", "is empty, must have at least one token");
    }
    if (tokens.length > limit) {
      throw new Rejection.PromptTooLong(tokens.length, limit);
    }
    for (int id : tokens) {
      if (id < 0 || id >= settings.vocabulary()) {
        throw new Rejection.InvalidField(
            "input", "has token " + id + ", must be below " + settings.vocabulary());
      }
    }
  }
}
