package dev.tributary.server.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What one tenant uses of its quotas. Thread safe; its limits are never asked for under the lock.
final class TenantUse {
  /// What a tenant is told to wait for one of its own requests to end.
  private static final Duration RETRY = Duration.ofSeconds(1);

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration HOUR = Duration.ofHours(1);

  private final String tenant;
  private final Supplier<TenantLimits> limits;
  private final LongSupplier clock;

  /// Null without such a quota.
  @GuardedBy("this")
  private @Nullable TokenBucket requests;

  @GuardedBy("this")
  private @Nullable TokenBucket tokens;

  @GuardedBy("this")
  private @Nullable TokenBucket replays;

  /// Those without a place, the oldest first.
  @GuardedBy("this")
  private final ArrayDeque<CompletableFuture<Place>> waiting = new ArrayDeque<>();

  /// Places given.
  @GuardedBy("this")
  private int open;

  /// Those of them whose request has not left the engine's queue.
  @GuardedBy("this")
  private int queued;

  TenantUse(String tenant, Supplier<TenantLimits> limits, LongSupplier clock) {
    this.tenant = tenant;
    this.limits = limits;
    this.clock = clock;
  }

  void count() {
    count(limits.get());
  }

  /// Counts an answer that is given again, or throws RESOURCE_EXHAUSTED.
  void countReplay() {
    TenantLimits now = limits.get();
    synchronized (this) {
      long time = clock.getAsLong();
      replays = fit(replays, now.replaysPerHour(), HOUR, time);
      if (replays != null) {
        check(replays, 1, now.replaysPerHour(), "replays", "hour", time);
        replays.take(1, time);
      }
    }
  }

  CompletableFuture<Place> enter() {
    TenantLimits now = limits.get();
    CompletableFuture<Place> entry = new CompletableFuture<>();
    synchronized (this) {
      // Not even one token: an earlier answer has overdrawn.
      checkTokens(1, now);
      checkQueue(now);
      count(now);
      waiting.add(entry);
    }
    entry.whenComplete(
        (place, failure) -> {
          if (failure != null) {
            forget(entry);
          }
        });
    letIn(now);
    return entry;
  }

  /// Gives places to those who wait, as far as there are.
  void letIn() {
    letIn(limits.get());
  }

  synchronized int waiting() {
    return waiting.size();
  }

  private synchronized void letIn(TenantLimits now) {
    while (!waiting.isEmpty() && open < concurrent(now)) {
      open++;
      queued++;
      if (!waiting.remove().complete(new Place(now.weight()))) {
        open--;
        queued--;
      }
    }
  }

  private synchronized void forget(CompletableFuture<Place> entry) {
    waiting.remove(entry);
  }

  private synchronized void count(TenantLimits now) {
    long time = clock.getAsLong();
    requests = fit(requests, now.requestsPerMinute(), MINUTE, time);
    if (requests != null) {
      check(requests, 1, now.requestsPerMinute(), "requests", "minute", time);
      requests.take(1, time);
    }
  }

  private synchronized void checkTokens(long count, TenantLimits now) {
    long time = clock.getAsLong();
    tokens = fit(tokens, now.tokensPerMinute(), MINUTE, time);
    if (tokens != null) {
      check(tokens, count, now.tokensPerMinute(), "tokens", "minute", time);
    }
  }

  private synchronized void charge(long count) {
    if (tokens != null) {
      tokens.take(count, clock.getAsLong());
    }
  }

  @GuardedBy("this")
  private void checkQueue(TenantLimits now) {
    if (now.queuedRequests().isEmpty()) {
      return;
    }
    int most = now.queuedRequests().getAsInt();
    boolean bounded = now.concurrentRequests().isPresent();
    // Where nothing bounds the concurrent ones they wait in the engine only; one may always be on
    // its way there.
    boolean full = bounded ? open >= concurrent(now) && waiting.size() >= most : queued > most;
    if (full) {
      throw Statuses.quota(
          tenant,
          bounded && most == 0 ? "concurrent_requests" : "queued_requests",
          "has %d requests running and %d waiting, which is its quota"
              .formatted(bounded ? open : open - queued, bounded ? waiting.size() : queued),
          RETRY);
    }
  }

  private void check(
      TokenBucket bucket, long count, OptionalLong quota, String what, String period, long time) {
    Duration wait = bucket.until(count, time);
    if (!wait.isZero()) {
      throw Statuses.quota(
          tenant,
          what + "_per_" + period,
          "has used its quota of %,d %s %s %s"
              .formatted(quota.orElseThrow(), what, period.equals("hour") ? "an" : "a", period),
          wait);
    }
  }

  private static int concurrent(TenantLimits now) {
    return now.concurrentRequests().orElse(Integer.MAX_VALUE);
  }

  /// The bucket for a quota as it is now: none, a new one, or the old one at its new size.
  private static @Nullable TokenBucket fit(
      @Nullable TokenBucket bucket, OptionalLong most, Duration period, long time) {
    if (most.isEmpty()) {
      return null;
    }
    if (bucket == null) {
      return new TokenBucket(most.getAsLong(), period, time);
    }
    bucket.resize(most.getAsLong(), time);
    return bucket;
  }

  /// A request's place among its tenant's concurrent ones, to be closed when the request has ended.
  /// For the call's own thread, but for [#started].
  final class Place implements AutoCloseable {
    private final int weight;

    /// Charged, to be given back unless it was used.
    private long reserved;

    @GuardedBy("TenantUse.this")
    private boolean started;

    private Place(int weight) {
      this.weight = weight;
    }

    /// The tenant's share of the machine under load.
    int weight() {
      return weight;
    }

    /// Charges the tokens of a prompt, or throws RESOURCE_EXHAUSTED. They are given back unless the
    /// engine takes the request.
    void reserve(long count) {
      TenantLimits now = limits.get();
      synchronized (TenantUse.this) {
        checkTokens(count, now);
        charge(count);
      }
      reserved = count;
    }

    /// The request was taken: what was reserved is used.
    void taken() {
      reserved = 0;
    }

    /// Charges the tokens of an answer, which may overdraw.
    void answered(long count) {
      charge(count);
    }

    /// The request has left the engine's queue. Any thread; once.
    void started() {
      synchronized (TenantUse.this) {
        started = true;
        queued--;
      }
    }

    @Override
    public void close() {
      charge(-reserved);
      synchronized (TenantUse.this) {
        open--;
        queued -= started ? 0 : 1;
      }
      letIn();
    }
  }
}
