package dev.tributary.server.rpc;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/// Delays by the machine's clock, on a thread of its own.
final class ThreadDelay implements Delay {
  private final ScheduledThreadPoolExecutor timer =
      new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("rpc-delay").factory());

  ThreadDelay() {
    timer.setRemoveOnCancelPolicy(true);
  }

  @Override
  public Handle after(Duration delay, Runnable task) {
    Future<?> scheduled = timer.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    return () -> scheduled.cancel(false);
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
