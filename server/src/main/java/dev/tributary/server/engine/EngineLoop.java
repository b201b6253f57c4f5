package dev.tributary.server.engine;

import dev.tributary.server.model.Span;
import dev.tributary.server.model.StepRunner;
import dev.tributary.server.schedule.Limits;
import dev.tributary.server.schedule.Plan;
import dev.tributary.server.schedule.Scheduler;
import dev.tributary.server.schedule.Sequence;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The duty cycle of the thread that owns the device: schedule, run, sample, publish.
///
/// All state is confined to that thread; callers come in through the [Inbox], are heard by a row's
/// cancel flag, and read [#stats].
final class EngineLoop {
  private static final Logger log = LoggerFactory.getLogger(EngineLoop.class);

  private final StepRunner runner;
  private final EngineSettings settings;
  private final LongSupplier clock;
  private final Inbox inbox;
  private final Watchdog watchdog;
  private final Background background;
  private final Scheduler scheduler;

  /// One for each of the runner's workers.
  private final Sampler[] samplers;

  /// Taken and not ended, in the order taken.
  private final Map<Long, Row> rows = new LinkedHashMap<>();

  private long steps;
  private long promptTokens;
  private long generatedTokens;
  private long failedSteps;
  private int failuresInARow;
  private volatile EngineStats stats;
  private volatile LongConsumer stepTimes = nanos -> {};

  EngineLoop(
      StepRunner runner,
      EngineSettings settings,
      LongSupplier clock,
      Inbox inbox,
      Watchdog watchdog,
      Background background) {
    if (runner.maxTokens() < settings.stepTokens()) {
      throw new IllegalArgumentException(
          "steps of " + settings.stepTokens() + " tokens, the runner takes " + runner.maxTokens());
    }
    this.runner = runner;
    this.settings = settings;
    this.clock = clock;
    this.inbox = inbox;
    this.watchdog = watchdog;
    this.background = background;
    samplers = new Sampler[runner.workers()];
    Arrays.setAll(samplers, worker -> new Sampler(settings.vocabulary()));
    scheduler =
        new Scheduler(
            new Limits(
                settings.maxRows(),
                settings.maxWaiting(),
                settings.maxAdapters(),
                settings.stepTokens(),
                settings.busyTokens(),
                settings.chunk(),
                settings.pages(),
                KvCache.PAGE,
                runner.wideFrom()));
    stats = snapshot();
  }

  /// One turn. Returns how much was done; 0 is idle.
  ///
  /// @param drainAt when what is left fails with [Failure.Draining]
  /// @throws IllegalStateException if the device is given up
  int doWork(OptionalLong drainAt) {
    int done = receive() + sweep(clock.getAsLong(), drainAt);
    Plan plan = scheduler.plan();
    if (plan.isEmpty() && !rows.isEmpty()) {
      throw new IllegalStateException(rows.size() + " rows, and nothing to run");
    }
    start(plan.admitted());
    // Without those that their observer ended as they started.
    List<Plan.Slice> slices =
        plan.slices().stream().filter(slice -> rows.containsKey(slice.id())).toList();
    if (!slices.isEmpty()) {
      step(StepOrder.group(slices, this::row));
    }
    stats = snapshot();
    return done + plan.slices().size() + background.doWork(!rows.isEmpty());
  }

  boolean isIdle() {
    return rows.isEmpty();
  }

  EngineStats stats() {
    return stats;
  }

  void watchSteps(LongConsumer nanos) {
    stepTimes = nanos;
  }

  /// Ends every row, those still in the inbox too.
  void failAll(Failure failure) {
    receive();
    List.copyOf(rows.values()).forEach(row -> fail(row, failure));
    stats = snapshot();
  }

  private int receive() {
    List<Row> taken = inbox.take();
    for (Row row : taken) {
      rows.put(row.id(), row);
      scheduler.add(row.sequence);
    }
    return taken.size();
  }

  /// Ends rows that were cancelled or whose time is up.
  private int sweep(long now, OptionalLong drainAt) {
    boolean drained = drainAt.isPresent() && now - drainAt.getAsLong() >= 0;
    int before = rows.size();
    for (Row row : List.copyOf(rows.values())) {
      if (row.isCancelled()) {
        fail(row, new Failure.Cancelled());
      } else if (row.isPastDeadline(now)) {
        fail(row, new Failure.DeadlineExceeded());
      } else if (drained) {
        fail(row, new Failure.Draining());
      } else {
        tell(row, () -> row.expire(now));
      }
    }
    return before - rows.size();
  }

  private void start(List<Sequence> admitted) {
    long now = clock.getAsLong();
    for (Sequence sequence : admitted) {
      Row row = Objects.requireNonNull(rows.get(sequence.id()));
      row.admitted = true;
      inbox.left(row);
      tell(
          row,
          () -> {
            row.started(now);
            return false;
          });
    }
  }

  private void step(List<Plan.Slice> slices) {
    List<List<Span>> spans = slices.stream().map(slice -> row(slice).spans(slice)).toList();
    Matrix logits;
    long began = clock.getAsLong();
    watchdog.stepBegins();
    try {
      logits = runner.run(spans.stream().flatMap(List::stream).toList());
    } catch (RuntimeException | Error e) {
      stepFailed(slices, e);
      return;
    } finally {
      watchdog.stepEnds();
    }
    failuresInARow = 0;
    steps++;
    scheduler.stepDone(slices);
    sample(slices, spans, logits);
    long took = clock.getAsLong() - began;
    stepTimes.accept(took);
    background.stepTook(took);
    publish(slices);
  }

  /// All rows whose logits were wanted at once, each on one worker. One whose sampling fails fails
  /// alone.
  private void sample(List<Plan.Slice> slices, List<List<Span>> spans, Matrix logits) {
    List<Plan.Slice> wanting = new ArrayList<>();
    List<Logits> own = new ArrayList<>();
    int first = 0;
    for (int i = 0; i < slices.size(); i++) {
      int wanted = spans.get(i).stream().mapToInt(Span::logitRows).sum();
      if (wanted > 0) {
        wanting.add(slices.get(i));
        own.add(new Logits(logits, first));
      }
      first += wanted;
      promptTokens += slices.get(i).promptTokens();
    }
    List<Row> sampled = wanting.stream().map(this::row).toList();
    int before = length(wanting);
    @Nullable RuntimeException[] failures = new RuntimeException[sampled.size()];
    runner.forEach(
        sampled.size(),
        (worker, i) -> {
          try {
            sampled.get(i).sample(samplers[worker], own.get(i), wanting.get(i));
          } catch (RuntimeException e) {
            failures[i] = e;
          }
        });
    generatedTokens += length(wanting) - before;
    for (int i = 0; i < failures.length; i++) {
      RuntimeException failure = failures[i];
      if (failure != null) {
        log.error("sampling for {} failed", sampled.get(i).name, failure);
        fail(sampled.get(i), new Failure.Internal(failure));
      }
    }
  }

  private static int length(List<Plan.Slice> slices) {
    return slices.stream().mapToInt(slice -> slice.sequence().length()).sum();
  }

  private void publish(List<Plan.Slice> slices) {
    long now = clock.getAsLong();
    for (Plan.Slice slice : slices) {
      Row row = rows.get(slice.id());
      if (row != null) {
        tell(row, () -> row.publish(now));
      }
    }
  }

  private void stepFailed(List<Plan.Slice> slices, Throwable cause) {
    log.error("a step of {} rows failed", slices.size(), cause);
    failedSteps++;
    failuresInARow++;
    slices.forEach(slice -> fail(row(slice), new Failure.Internal(cause)));
    if (cause instanceof VirtualMachineError || failuresInARow == settings.maxFailures()) {
      throw new IllegalStateException("gave up after failed steps: " + failuresInARow, cause);
    }
  }

  private void fail(Row row, Failure failure) {
    tell(
        row,
        () -> {
          row.fail(failure);
          return true;
        });
  }

  /// Calls out to a row's owner; removes the row if that was the last call or the owner throws.
  private void tell(Row row, BooleanSupplier last) {
    boolean ended = true;
    try {
      ended = last.getAsBoolean();
    } catch (RuntimeException e) {
      log.error("the observer of {} failed; its generation ends", row.name, e);
    }
    if (ended) {
      rows.remove(row.id());
      scheduler.remove(row.id());
      if (!row.admitted) {
        inbox.left(row);
      }
      row.letGo();
    }
  }

  private Row row(Plan.Slice slice) {
    return Objects.requireNonNull(rows.get(slice.id()));
  }

  private EngineStats snapshot() {
    Scheduler.Stats now = scheduler.stats();
    return new EngineStats(
        now.running(),
        inbox.waiting(),
        now.freePages(),
        now.cachedPages(),
        settings.pages(),
        steps,
        promptTokens,
        now.prefixTokens(),
        generatedTokens,
        now.preemptions(),
        failedSteps);
  }
}
