package dev.tributary.server.rpc;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Turns long inputs into tokens on a few threads of their own.
///
/// The tokenizer is native code, so a virtual thread in it keeps its carrier. Megabytes take it
/// seconds, and there are as few carriers as processors: a handful of long prompts would hold up
/// every stream.
final class EncodingThreads {
  /// Inputs up to so many bytes take about as long as handing them over would.
  private static final int SHORT = 16 << 10;

  private static final int IDLE_SECONDS = 10;

  private final ThreadPoolExecutor threads;

  /// The queue is bounded by the calls that are let in: each waits for one task.
  EncodingThreads(int count) {
    threads =
        new ThreadPoolExecutor(
            count,
            count,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("encode-", 0).factory());
    threads.allowCoreThreadTimeOut(true);
  }

  /// Runs `work`, which encodes about `bytes`, and waits for it or for the end of `call`.
  <T> T run(int bytes, Call<?> call, Supplier<T> work) {
    return bytes <= SHORT ? work.get() : call.await(CompletableFuture.supplyAsync(work, threads));
  }
}
