package dev.tributary.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.server.rpc.Books;
import dev.tributary.server.state.Tenants;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What falls due by the clock, on one thread: once an hour each task runs, in their order. One
/// that failed is logged and runs again a minute later, whatever became of the others.
final class Upkeep implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Upkeep.class);

  private static final Duration EVERY = Duration.ofHours(1);
  private static final long LOOK = TimeUnit.MINUTES.toNanos(1);

  /// Does all that is due.
  interface Task {
    /// @param ending asked between steps of some seconds at most: the rest can wait for the next
    ///   start
    void run(Instant now, BooleanSupplier ending);
  }

  private static final class Due {
    private final Task task;
    private @Nullable Instant done;

    Due(Task task) {
      this.task = task;
    }

    /// Also if the clock was set back since.
    boolean isDue(Instant now) {
      return done == null || now.isBefore(done) || !now.isBefore(done.plus(EVERY));
    }
  }

  private final List<Due> tasks;
  private final InstantSource time;
  private final Thread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private boolean closing;

  Upkeep(List<Task> tasks, InstantSource time) {
    this.tasks = tasks.stream().map(Due::new).toList();
    this.time = time;
    thread = Thread.ofPlatform().name("upkeep").unstarted(this::run);
  }

  /// Closes periods, then erases what may go.
  ///
  /// @param settleEvery hours; 0: periods are closed only when somebody asks
  static Upkeep of(Books books, Tenants tenants, int settleEvery, InstantSource time) {
    return new Upkeep(
        List.of(
            new Closing(books.accounts(), settleEvery), new Retention(books.accounts(), tenants)),
        time);
  }

  void start() {
    thread.start();
  }

  private void run() {
    while (!ending()) {
      doWork();
      pause();
    }
  }

  /// Runs what is due. On the owning thread.
  void doWork() {
    Instant now = time.instant();
    for (Due each : tasks) {
      if (each.isDue(now) && !ending()) {
        try {
          each.task.run(now, this::ending);
          each.done = now;
        } catch (RuntimeException e) {
          log.warn("{} failed and is tried again in a minute", each.task, e);
        }
      }
    }
  }

  private boolean ending() {
    lock.lock();
    try {
      return closing;
    } finally {
      lock.unlock();
    }
  }

  private void pause() {
    lock.lock();
    try {
      long left = LOOK;
      while (!closing && left > 0) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      closing = true; // nobody else's thread
    } finally {
      lock.unlock();
    }
  }

  /// Ends after the step under way; it is not interrupted, since that would close the ledger's
  /// files under it.
  @Override
  public void close() {
    lock.lock();
    try {
      closing = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
