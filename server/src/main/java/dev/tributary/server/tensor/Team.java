package dev.tributary.server.tensor;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A fixed team of threads that work on one task at a time.
///
/// A task is a number of items. Each worker begins with its own share of neighbours, so that it
/// reads memory in one stream, and claims them in small runs; one that is done claims from the
/// others. So a worker that the system has put aside for another process holds up no more than what
/// it has claimed, and one that comes late finds nothing to do. The thread that calls [#forEach] is
/// worker 0. Between tasks the others spin for about 20 µs (the next task of a step follows within
/// 1 µs), then yield, then park. An item that fails leaves the others to be done; [#forEach] then
/// throws the first failure.
final class Team implements AutoCloseable {
  private static final long SPIN_NANOS = 20_000;
  private static final long YIELD_NANOS = 200_000;

  /// Runs that a worker's share of a task is cut into.
  private static final int RUNS = 8;

  /// Counters of a task lie a cache line apart.
  private static final int LINE = 16;

  /// A task under way. Every worker has a share of neighbouring items, which it claims in small
  /// runs; one that is done goes on with the others' shares.
  private static final class Task {
    final int items;
    final int workers;
    final int run;
    final Ops.ItemWork work;

    /// For each share the first item that is not claimed.
    final AtomicIntegerArray next;

    final AtomicInteger done = new AtomicInteger();
    volatile @Nullable Throwable failure;

    Task(int items, int workers, Ops.ItemWork work) {
      this.items = items;
      this.workers = workers;
      this.run = Math.max(1, items / (RUNS * workers));
      this.work = work;
      next = new AtomicIntegerArray(workers * LINE);
      for (int share = 0; share < workers; share++) {
        next.setPlain(share * LINE, begin(share));
      }
    }

    private int begin(int share) {
      return (int) ((long) items * share / workers);
    }

    /// Claims and does items until none is left.
    void share(int worker) {
      for (int i = 0; i < workers; i++) {
        int share = (worker + i) % workers;
        int end = begin(share + 1);
        int from;
        while ((from = next.getAndAdd(share * LINE, run)) < end) {
          doItems(worker, from, Math.min(end, from + run));
        }
      }
    }

    private void doItems(int worker, int from, int to) {
      try {
        for (int item = from; item < to; item++) {
          work.run(worker, item);
        }
      } catch (Throwable e) {
        failure = e;
      }
      done.addAndGet(to - from);
    }
  }

  private final int size;
  private final Thread[] threads;
  private final boolean[] parked;
  private volatile @Nullable Task task;
  private volatile boolean closed;

  /// @param started runs on every worker thread before its first task
  Team(int size, Runnable started) {
    if (size < 1) {
      throw new IllegalArgumentException(size + " workers");
    }
    this.size = size;
    parked = new boolean[size];
    threads = new Thread[size - 1];
    for (int i = 0; i < threads.length; i++) {
      int worker = i + 1;
      threads[i] =
          Thread.ofPlatform()
              .daemon()
              .name("tributary-worker-" + worker)
              .start(
                  () -> {
                    started.run();
                    serve(worker);
                  });
    }
  }

  int size() {
    return size;
  }

  /// Runs `work` for each of `items` on any worker, and returns when all are done.
  void forEach(int items, Ops.ItemWork work) {
    Task current = new Task(items, size, work);
    if (size > 1 && items > 1) {
      task = current;
      wake();
    }
    current.share(0);
    for (int spins = 0; current.done.get() != items; spins++) {
      if (spins < 10_000) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
    Throwable thrown = current.failure;
    if (thrown != null) {
      throw new IllegalStateException("a worker failed: " + thrown.getMessage(), thrown);
    }
  }

  private void wake() {
    synchronized (parked) {
      for (int i = 1; i < size; i++) {
        if (parked[i]) {
          LockSupport.unpark(threads[i - 1]);
        }
      }
    }
  }

  private void serve(int worker) {
    Task seen = null;
    while (true) {
      awaitTask(worker, seen);
      if (closed) {
        return;
      }
      seen = task;
      if (seen != null) {
        seen.share(worker);
      }
    }
  }

  private void awaitTask(int worker, @Nullable Task seen) {
    long start = System.nanoTime();
    while (task == seen && !closed) {
      for (int i = 0; i < 64 && task == seen; i++) {
        Thread.onSpinWait();
      }
      long waited = System.nanoTime() - start;
      if (waited > YIELD_NANOS) {
        park(worker, seen);
      } else if (waited > SPIN_NANOS) {
        Thread.yield();
      }
    }
  }

  private void park(int worker, @Nullable Task seen) {
    synchronized (parked) {
      parked[worker] = true;
    }
    // A task published before the flag was set is seen here; one published after it unparks.
    while (task == seen && !closed) {
      LockSupport.park(this);
    }
    synchronized (parked) {
      parked[worker] = false;
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
    }
  }
}
