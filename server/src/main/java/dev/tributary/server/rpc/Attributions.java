package dev.tributary.server.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.record.AttributionRecord;
import dev.tributary.server.metrics.Metrics;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.rpc.Attributing.Answered;
import dev.tributary.server.rpc.Attributing.Attributed;
import dev.tributary.server.rpc.Attributing.Outcome;
import dev.tributary.server.rpc.Attributing.Reason;
import dev.tributary.server.rpc.Attributing.Unattributed;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Attributes answers that have ended, beside their calls, and records what was said of them.
///
/// Every answer gets its Attribution record: one of which nothing can be said, for whatever
/// [Reason], an unattributed one. Answers that wait are bounded in number and time, and hold their
/// adapters' weights meanwhile. One whose record the ledger does not take, or that the end of the
/// process overtakes, is made up for at the next start ([Interrupted]). Thread safe.
final class Attributions {
  /// That may wait at once: each holds its tokens and the weights of its adapters.
  static final int MOST = 1_024;

  /// For one answer: an auditor who finds no attribution an hour later has reason to ask.
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final Logger log = LoggerFactory.getLogger(Attributions.class);

  private final Attributing attributing;
  private final Journal journal;
  private final AttributionWriter writer;
  private final Metrics metrics;
  private final LongSupplier clock;
  private final InstantSource time;

  /// Being attributed.
  @GuardedBy("this")
  private final Set<CompletableFuture<Outcome>> asked = new HashSet<>();

  /// Begun, and without a durable record.
  @GuardedBy("this")
  private int pending;

  @GuardedBy("this")
  private boolean ended;

  /// @param clock nanoseconds, as [System#nanoTime]
  Attributions(
      Attributing attributing,
      Records records,
      Metrics metrics,
      LongSupplier clock,
      InstantSource time) {
    this.attributing = attributing;
    journal = records.journal();
    writer = new AttributionWriter(records.keys());
    this.metrics = metrics;
    this.clock = clock;
    this.time = time;
  }

  /// What an answer of the base alone has.
  ///
  /// @return the record once it is durable
  CompletableFuture<AttributionRecord> baseOnly(long leaf) {
    return recordPlainly(begun(), leaf, true, "base");
  }

  /// What an answer of which nothing can be said has.
  CompletableFuture<AttributionRecord> unattributed(long leaf, Unattributed why) {
    return unattributed(begun(), leaf, why);
  }

  /// Begins to attribute an answer. Does not block.
  ///
  /// @return the record once it is durable; fails if the ledger does not take it
  CompletableFuture<AttributionRecord> attribute(Answered answer) {
    long began = begun();
    CompletableFuture<Outcome> said = ask(answer);
    CompletableFuture<AttributionRecord> recorded = new CompletableFuture<>();
    said.whenComplete(
        (outcome, failure) -> {
          switch (outcome) {
            case Attributed attributed ->
                Thread.startVirtualThread(() -> record(answer, attributed, began, recorded));
            case Unattributed why -> pass(unattributed(began, answer.leaf(), why), recorded);
            case null -> pass(unattributed(began, answer.leaf(), why(failure)), recorded);
          }
        });
    return recorded;
  }

  /// A future that is done when nobody works on the answer any more.
  private CompletableFuture<Outcome> ask(Answered answer) {
    synchronized (this) {
      if (ended) {
        return refused(Reason.ENDED, "");
      }
      if (pending > MOST) {
        return refused(Reason.BACKLOG, MOST + " answers wait");
      }
    }
    if (!hold(answer.uses())) {
      return refused(Reason.FREED, "");
    }
    CompletableFuture<Outcome> said;
    try {
      said = attributing.attribute(answer);
    } catch (RuntimeException e) {
      said = CompletableFuture.failedFuture(e);
    }
    CompletableFuture<Outcome> bounded = said.orTimeout(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
    boolean late = remember(bounded);
    CompletableFuture<Outcome> over =
        bounded.whenComplete(
            (outcome, failure) -> {
              forget(bounded);
              letGo(answer.uses());
            });
    if (late) {
      bounded.cancel(false);
    }
    return over;
  }

  /// True if nothing may be waited for any more.
  private synchronized boolean remember(CompletableFuture<Outcome> one) {
    asked.add(one);
    return ended;
  }

  private synchronized void forget(CompletableFuture<Outcome> one) {
    asked.remove(one);
  }

  private static CompletableFuture<Outcome> refused(Reason reason, String detail) {
    return CompletableFuture.completedFuture(new Unattributed(reason, detail));
  }

  private static boolean hold(List<AdapterUse> uses) {
    for (int i = 0; i < uses.size(); i++) {
      if (!uses.get(i).weights().retain()) {
        letGo(uses.subList(0, i));
        return false;
      }
    }
    return true;
  }

  private static void letGo(List<AdapterUse> uses) {
    uses.forEach(use -> use.weights().release());
  }

  private static Unattributed why(@Nullable Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException wrapped && wrapped.getCause() != null
            ? wrapped.getCause()
            : failure;
    return switch (cause) {
      case CancellationException e -> new Unattributed(Reason.ENDED, "");
      case TimeoutException e -> new Unattributed(Reason.LATE, "");
      case null, default -> {
        log.error("an attribution failed", cause);
        yield new Unattributed(Reason.FAILED, String.valueOf(cause));
      }
    };
  }

  /// On a thread of its own: keys are read from disk, and a full ledger is waited for, since what
  /// is credited here can't be made up for later.
  private void record(
      Answered answer, Attributed said, long began, CompletableFuture<AttributionRecord> recorded) {
    AttributionRecord record;
    try {
      record = writer.attributed(answer, said, micros());
    } catch (RuntimeException e) {
      pass(unattributed(began, answer.leaf(), why(e)), recorded);
      return;
    }
    try {
      var unused = journal.appendPatiently(record);
      over(began, said.method(), "attributed");
      recorded.complete(record);
    } catch (RuntimeException e) {
      lost(answer.leaf(), e);
      recorded.completeExceptionally(e);
    }
  }

  private CompletableFuture<AttributionRecord> unattributed(
      long began, long leaf, Unattributed why) {
    String text = "leaf {} is unattributed: {} {}";
    switch (why.reason()) {
      case NOT_BUILT, EMPTY -> log.debug(text, leaf, why.reason(), why.detail());
      case BACKLOG, FREED, ENDED, LATE, FAILED -> log.warn(text, leaf, why.reason(), why.detail());
    }
    return recordPlainly(began, leaf, false, why.reason().name().toLowerCase(Locale.ROOT));
  }

  private CompletableFuture<AttributionRecord> recordPlainly(
      long began, long leaf, boolean baseOnly, String outcome) {
    AttributionRecord record = AttributionWriter.unattributed(leaf, baseOnly, micros());
    return journal
        .append(record)
        .handle(
            (index, failure) -> {
              if (failure != null) {
                lost(leaf, failure);
                throw new CompletionException(failure);
              }
              over(began, record.open().method(), outcome);
              return record;
            });
  }

  private static void pass(
      CompletableFuture<AttributionRecord> from, CompletableFuture<AttributionRecord> to) {
    var unused =
        from.whenComplete(
            (record, failure) -> {
              if (failure == null) {
                to.complete(record);
              } else {
                to.completeExceptionally(failure);
              }
            });
  }

  private synchronized long begun() {
    pending++;
    metrics.attributing(1);
    return clock.getAsLong();
  }

  private void over(long began, String method, String outcome) {
    metrics.attributed(method, outcome, Duration.ofNanos(clock.getAsLong() - began));
    left();
  }

  private void lost(long leaf, Throwable failure) {
    log.warn("leaf {} has no attribution yet", leaf, failure);
    left();
  }

  private synchronized void left() {
    pending--;
    metrics.attributing(-1);
    notifyAll();
  }

  private long micros() {
    return Recorder.micros(time.instant());
  }

  /// Waits until no answer waits, at most this long. False if some do.
  synchronized boolean await(Duration most) throws InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    while (pending > 0) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }

  /// Nothing is asked any more; what waits is unattributed.
  void end() {
    List<CompletableFuture<Outcome>> all;
    synchronized (this) {
      ended = true;
      all = List.copyOf(asked);
    }
    all.forEach(each -> each.cancel(false));
  }
}
