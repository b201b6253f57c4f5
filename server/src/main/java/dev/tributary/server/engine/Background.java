package dev.tributary.server.engine;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Work on the device that no answer waits for, such as training: pieces of a few milliseconds, run
/// by the engine's thread between its steps.
///
/// While rows run, their steps earn the time that pieces may take: tokens then come later by
/// [#SHARE] at most, but for the one piece that is under way when a row comes. Several tasks take
/// turns, a piece each.
final class Background {
  private static final Logger log = LoggerFactory.getLogger(Background.class);

  /// Tasks that may be under way.
  static final int MOST = 64;

  /// Time of pieces for the time of steps.
  static final double SHARE = 0.3;

  /// Steps' time is not saved up: what follows a long step is not a long pause.
  private static final long MOST_CREDIT = Duration.ofMillis(10).toNanos();

  private record Task(BooleanSupplier piece, CompletableFuture<Void> done) {}

  private final LongSupplier clock;
  private final Watchdog watchdog;

  @GuardedBy("this")
  private final Queue<Task> tasks = new ArrayDeque<>();

  @GuardedBy("this")
  private boolean closed;

  /// Nanoseconds that pieces may take while rows run; below zero is owed. The engine's thread's.
  private long credit;

  Background(LongSupplier clock, Watchdog watchdog) {
    this.clock = clock;
    this.watchdog = watchdog;
  }

  /// Takes a task, or throws a [Rejection].
  synchronized CompletableFuture<Void> put(BooleanSupplier piece) {
    if (closed) {
      throw new Rejection.Draining();
    }
    if (tasks.size() == MOST) {
      throw new Rejection.QueueFull(MOST, Duration.ofSeconds(1));
    }
    Task task = new Task(piece, new CompletableFuture<>());
    tasks.add(task);
    return task.done;
  }

  /// A step took this long.
  void stepTook(long nanos) {
    credit = Math.min(credit + (long) (SHARE * nanos), MOST_CREDIT);
  }

  /// Runs one piece if there is one: while rows run only if their steps have earned it.
  ///
  /// @return how many ran
  int doWork(boolean rowsRun) {
    if (!rowsRun) {
      credit = 0;
    } else if (credit <= 0) {
      return 0;
    }
    Task task = next();
    if (task == null) {
      return 0;
    }
    long began = clock.getAsLong();
    boolean more = run(task);
    credit -= clock.getAsLong() - began;
    if (more) {
      putBack(task);
    }
    return 1;
  }

  private synchronized @Nullable Task next() {
    return tasks.poll();
  }

  /// Whether the task has more pieces.
  private boolean run(Task task) {
    if (task.done.isDone()) {
      return false; // cancelled
    }
    watchdog.stepBegins();
    try {
      if (task.piece.getAsBoolean()) {
        return true;
      }
      task.done.complete(null);
    } catch (RuntimeException | Error e) {
      log.error("work in the background failed", e);
      task.done.completeExceptionally(new JobFailedException(new Failure.Internal(e)));
      if (e instanceof VirtualMachineError) {
        throw e;
      }
    } finally {
      watchdog.stepEnds();
    }
    return false;
  }

  private void putBack(Task task) {
    synchronized (this) {
      if (!closed) {
        tasks.add(task);
        return;
      }
    }
    drained(task);
  }

  /// Takes no more tasks and ends those there are, between their pieces.
  void close() {
    List<Task> left;
    synchronized (this) {
      closed = true;
      left = new ArrayList<>(tasks);
      tasks.clear();
    }
    left.forEach(Background::drained);
  }

  private static void drained(Task task) {
    task.done.completeExceptionally(new JobFailedException(new Failure.Draining()));
  }
}
