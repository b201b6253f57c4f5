package dev.tributary.server.bench;

import dev.tributary.v1.InferenceGrpc;
import io.grpc.Channel;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/// Puts a load on a server and measures its streams.
final class LoadRun {
  /// Most calls open at once: as many as a connection to a server may have.
  private static final int MOST_OPEN = 1_000;

  /// How long a caller waits who was refused.
  private static final Duration RETRY = Duration.ofMillis(250);

  /// How long answers may go on after the end.
  private static final Duration DRAIN = Duration.ofSeconds(30);

  private static final Duration TICK = Duration.ofSeconds(1);

  private final Channel channel;
  private final LoadPlan plan;
  private final LoadRequests requests;
  private final ResidentMemory memory;
  private final Progress progress;
  private final LoadStats stats = new LoadStats();
  private final LongAdder tokens = new LongAdder();
  private final Set<LoadCall> open = ConcurrentHashMap.newKeySet();
  private volatile boolean cutting;
  private long begin;
  private long counted;
  private long end;

  /// @param memory of the server
  /// @param progress where it says every second how it goes
  LoadRun(
      Channel channel,
      LoadPlan plan,
      LoadRequests requests,
      ResidentMemory memory,
      PrintStream progress) {
    this.channel = channel;
    this.plan = plan;
    this.requests = requests;
    this.memory = memory;
    this.progress = new Progress(progress);
  }

  /// Runs it, once, and returns when the last answer has ended.
  LoadFigures run() throws InterruptedException {
    begin = System.nanoTime();
    counted = begin + plan.warmUp().toNanos();
    end = counted + plan.duration().toNanos();
    List<Thread> callers = new ArrayList<>();
    Integer count = plan.callers();
    if (count == null) {
      callers.add(Thread.ofPlatform().daemon().name("arrivals").start(this::arrive));
    } else {
      for (int i = 0; i < count; i++) {
        callers.add(Thread.ofVirtual().start(this::ask));
      }
    }
    watch(counted, false);
    long before = tokens.sum();
    watch(end, true);
    long generated = tokens.sum() - before;
    progress.end();
    drain();
    for (Thread caller : callers) {
      caller.join(TICK);
    }
    return stats.figures(plan.duration(), generated, memory.growth());
  }

  /// Says how it goes until `until`.
  private void watch(long until, boolean measuring) {
    if (measuring) {
      memory.sample();
    }
    for (long now = System.nanoTime(); now < until; now = System.nanoTime()) {
      LockSupport.parkNanos(Math.min(TICK.toNanos(), until - now));
      long bytes = measuring ? memory.sample() : 0;
      progress.say(
          Duration.ofNanos(System.nanoTime() - begin),
          measuring ? "" : " (warm-up)",
          open.size(),
          stats.failed(),
          tokens.sum(),
          bytes);
    }
  }

  /// An open loop: a call is due whether others have ended or not.
  private void arrive() {
    Double rate = plan.rate();
    if (rate == null) {
      throw new IllegalStateException("callers, no rate");
    }
    Arrivals arrivals = new Arrivals(rate, LoadRequests.generator(plan.seed() + 1));
    for (long due = begin + arrivals.next(); due < end; due += arrivals.next()) {
      for (long now = System.nanoTime(); now < due; now = System.nanoTime()) {
        LockSupport.parkNanos(due - now);
      }
      if (open.size() < MOST_OPEN) {
        call(due);
      } else if (due >= counted) {
        stats.notSent();
      }
    }
  }

  /// A closed loop: one caller who waits for each answer, and asks at least once.
  private void ask() {
    do {
      LoadCall.Outcome outcome = call(System.nanoTime()).outcome().join();
      if (!outcome.status().isOk()) {
        LockSupport.parkNanos(RETRY.toNanos());
      }
    } while (System.nanoTime() < end);
  }

  private LoadCall call(long due) {
    LoadCall call = new LoadCall(due, tokens);
    open.add(call);
    var unused =
        call.outcome()
            .thenAccept(
                outcome -> {
                  if (due >= counted) {
                    stats.add(outcome, cutting && !outcome.status().isOk());
                  }
                  open.remove(call);
                });
    InferenceGrpc.newStub(channel).generate(requests.next(), call);
    return call;
  }

  /// Waits for the answers under way, then cuts off what is left.
  private void drain() throws InterruptedException {
    long patience = System.nanoTime() + DRAIN.toNanos();
    while (!open.isEmpty() && System.nanoTime() < patience) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    cutting = true;
    open.forEach(call -> call.cancel("the load has ended"));
    long last = System.nanoTime() + TICK.toNanos();
    while (!open.isEmpty() && System.nanoTime() < last) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  /// One line a second where a person looks on, one in ten where a file does.
  private static final class Progress {
    private static final int EVERY = 10;

    private final PrintStream out;
    private final boolean live = System.console() != null && System.console().isTerminal();
    private int said;
    private long tokensBefore;
    private Duration before = Duration.ZERO;

    Progress(PrintStream out) {
      this.out = out;
    }

    void say(Duration at, String phase, int open, int failed, long tokens, long bytes) {
      double seconds = at.minus(before).toNanos() / 1e9;
      String line =
          "%4d s%s: %d open, %d failed, %.0f tokens/s%s"
              .formatted(
                  at.toSeconds(),
                  phase,
                  open,
                  failed,
                  seconds > 0 ? (tokens - tokensBefore) / seconds : 0,
                  bytes == 0 ? "" : ", %,d MB".formatted(bytes / 1_000_000));
      if (live) {
        out.print("\r" + line + "    ");
        out.flush();
      } else if (said++ % EVERY == 0) {
        out.println(line);
      }
      before = at;
      tokensBefore = tokens;
    }

    void end() {
      if (live) {
        out.println();
      }
    }
  }
}
