package dev.tributary.server.tensor;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A fixed team of threads that work on one task at a time, each on its own share of it.
///
/// The thread that calls [#run] is worker 0. Between tasks the others spin for about 20 µs (the
/// next task of a step follows within 1 µs), then yield, then park. A worker that fails does not
/// leave the others waiting: all finish their shares and [#run] throws the first failure.
final class Team implements AutoCloseable {
  private static final long SPIN_NANOS = 20_000;
  private static final long YIELD_NANOS = 200_000;

  /// One worker's share of a task.
  interface Work {
    void run(int worker);
  }

  private final int size;
  private final Thread[] threads;
  private final AtomicInteger unfinished = new AtomicInteger();
  private volatile int generation;
  private volatile @Nullable Work work;
  private volatile @Nullable Throwable failure;
  private volatile boolean closed;
  private final boolean[] parked;

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

  /// Runs `task` on every worker and returns when all are done.
  void run(Work task) {
    if (size == 1) {
      task.run(0);
      return;
    }
    failure = null;
    work = task;
    unfinished.set(size - 1);
    generation = generation + 1; // only the leader writes it; the write publishes the task
    synchronized (parked) {
      for (int i = 1; i < size; i++) {
        if (parked[i]) {
          LockSupport.unpark(threads[i - 1]);
        }
      }
    }
    share(task, 0);
    for (int spins = 0; unfinished.get() != 0; spins++) {
      if (spins < 10_000) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
    Throwable thrown = failure;
    if (thrown != null) {
      throw new IllegalStateException("a worker failed: " + thrown.getMessage(), thrown);
    }
  }

  /// Runs `task` for each of `items`, an equal run of neighbours to each worker.
  void forEach(int items, ItemWork task) {
    if (items == 1) {
      task.run(0, 0);
      return;
    }
    run(
        worker -> {
          int to = (int) ((long) items * (worker + 1) / size);
          for (int item = (int) ((long) items * worker / size); item < to; item++) {
            task.run(worker, item);
          }
        });
  }

  /// One item of a task.
  interface ItemWork {
    void run(int worker, int item);
  }

  private void serve(int worker) {
    int seen = 0;
    while (true) {
      awaitTask(worker, seen);
      if (closed) {
        return;
      }
      seen = generation;
      Work task = work;
      if (task != null) {
        share(task, worker);
      }
      unfinished.decrementAndGet();
    }
  }

  private void share(Work task, int worker) {
    try {
      task.run(worker);
    } catch (Throwable e) {
      failure = e;
    }
  }

  private void awaitTask(int worker, int seen) {
    long start = System.nanoTime();
    while (generation == seen && !closed) {
      for (int i = 0; i < 64 && generation == seen; i++) {
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

  private void park(int worker, int seen) {
    synchronized (parked) {
      parked[worker] = true;
    }
    // A task published before the flag was set is seen here; one published after it unparks.
    while (generation == seen && !closed) {
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
