package dev.tributary.server.engine;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/// Notices a step that doesn't come back: the device or a kernel hangs, and only a new process
/// helps. The engine's thread marks its steps, another one calls [#check].
final class Watchdog {
  private final LongSupplier clock;
  private final long limitNanos;
  private final Consumer<Throwable> fatal;
  private volatile long since;
  private volatile boolean inStep;

  Watchdog(LongSupplier clock, Duration limit, Consumer<Throwable> fatal) {
    this.clock = clock;
    this.limitNanos = limit.toNanos();
    this.fatal = fatal;
  }

  void stepBegins() {
    since = clock.getAsLong();
    inStep = true;
  }

  void stepEnds() {
    inStep = false;
  }

  void check() {
    if (inStep && clock.getAsLong() - since > limitNanos) {
      fatal.accept(
          new TimeoutException("a step has run for more than " + limitNanos / 1_000_000 + " ms"));
    }
  }
}
