package dev.tributary.server.tensor;

import java.util.concurrent.ThreadFactory;

/// Threads whose work must not slow the steps down: where they compete with the worker team for a
/// processor, the system gives them a tenth of it.
///
/// Java's own thread priorities do nothing on Linux without special rights, though lowering one
/// needs none. Elsewhere than on Linux these are plain threads.
public final class BackgroundThreads {
  /// A step of `nice` is a factor of 1.25: 1.25^10 = 9 to 1.
  private static final int NICE = 10;

  private BackgroundThreads() {}

  /// Makes daemon threads called `prefix` and a number.
  public static ThreadFactory factory(String prefix) {
    ThreadFactory platform = Thread.ofPlatform().daemon().name(prefix, 0).factory();
    return task ->
        platform.newThread(
            () -> {
              CLibrary.nice(NICE);
              task.run();
            });
  }
}
