package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.QuotaFailure;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class QuotasTest {
  private final AtomicLong clock = new AtomicLong();
  private TenantLimits limits = TenantLimits.NONE;
  private final Quotas quotas =
      new Quotas(tenant -> tenant.equals("a") ? limits : TenantLimits.NONE, clock::get);

  @Test
  void withoutQuotas_everybodyGetsIn() {
    for (int i = 0; i < 1_000; i++) {
      assertThat(quotas.enter("a")).isCompleted();
    }
  }

  @Test
  void requestsPerMinute_areRefusedWithTheTimeToWait() throws Exception {
    limits = limits(2, null, null, null);
    quotas.count("a");
    quotas.enter("a").join().close();

    StatusRuntimeException refused = refused(() -> quotas.enter("a"));
    assertThat(refused.getStatus().getDescription())
        .isEqualTo("tenant \"a\" has used its quota of 2 requests a minute");
    assertThat(violation(refused).getSubject()).isEqualTo("tenant:a");
    assertThat(violation(refused).getQuotaId()).isEqualTo("requests_per_minute");
    assertThat(detail(refused, RetryInfo.class).getRetryDelay().getSeconds()).isEqualTo(30);

    assertThat(quotas.enter("b")).as("of another tenant").isCompleted();
    clock.addAndGet(Duration.ofSeconds(30).toNanos());
    assertThat(quotas.enter("a")).isCompleted();
  }

  @Test
  void replaysPerHour_areCountedByThemselves() throws Exception {
    limits =
        new TenantLimits(
            OptionalLong.of(1),
            OptionalLong.empty(),
            OptionalInt.empty(),
            OptionalInt.empty(),
            OptionalLong.of(2),
            100);
    quotas.count("a");
    quotas.countReplay("a");
    quotas.countReplay("a");

    StatusRuntimeException refused = refused(() -> quotas.countReplay("a"));
    assertThat(refused.getStatus().getDescription())
        .isEqualTo("tenant \"a\" has used its quota of 2 replays an hour");
    assertThat(violation(refused).getQuotaId()).isEqualTo("replays_per_hour");
    assertThat(detail(refused, RetryInfo.class).getRetryDelay().getSeconds()).isEqualTo(1_800);
    quotas.countReplay("b");
    clock.addAndGet(Duration.ofMinutes(30).toNanos());
    quotas.countReplay("a");
  }

  @Test
  void aRaisedQuota_countsFromTheNextRequestOn() {
    limits = limits(1, null, null, null);
    quotas.count("a");
    StatusRuntimeException unused = refused(() -> quotas.count("a"));
    limits = limits(2, null, null, null);
    quotas.count("a");
    unused = refused(() -> quotas.count("a"));
    limits = TenantLimits.NONE;
    quotas.count("a");
  }

  @Test
  void tokensPerMinute_countPromptsAndAnswers() throws Exception {
    limits = limits(null, 100, null, null);
    try (TenantUse.Place place = quotas.enter("a").join()) {
      place.reserve(60);
      place.taken();
      place.answered(70);
    }

    StatusRuntimeException refused = refused(() -> quotas.enter("a"));
    assertThat(violation(refused).getQuotaId()).isEqualTo("tokens_per_minute");
    assertThat(violation(refused).getDescription())
        .isEqualTo("has used its quota of 100 tokens a minute");
    // 30 overdrawn, and one.
    clock.addAndGet(Duration.ofMillis(18_500).toNanos());
    StatusRuntimeException still = refused(() -> quotas.enter("a"));
    assertThat(detail(still, RetryInfo.class).getRetryDelay().getNanos()).isEqualTo(100_000_000);
    clock.addAndGet(Duration.ofMillis(100).toNanos());
    assertThat(quotas.enter("a")).isCompleted();
  }

  @Test
  void aPromptThatNeverRan_isNotCharged() {
    limits = limits(null, 100, null, null);
    quotas.enter("a").join().close();
    try (TenantUse.Place place = quotas.enter("a").join()) {
      place.reserve(100);
    }
    try (TenantUse.Place place = quotas.enter("a").join()) {
      place.reserve(100);
      StatusRuntimeException refused = refused(() -> quotas.enter("a").join().reserve(1));
      assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    }
  }

  @Test
  void concurrentRequests_waitInTheOrderInWhichTheyCame() {
    limits = limits(null, null, 2, null);
    CompletableFuture<TenantUse.Place> first = quotas.enter("a");
    CompletableFuture<TenantUse.Place> second = quotas.enter("a");
    CompletableFuture<TenantUse.Place> third = quotas.enter("a");
    CompletableFuture<TenantUse.Place> fourth = quotas.enter("a");
    CompletableFuture<TenantUse.Place> fifth = quotas.enter("a");
    assertThat(List.of(first, second)).allMatch(CompletableFuture::isDone);
    assertThat(List.of(third, fourth, fifth)).noneMatch(CompletableFuture::isDone);
    assertThat(quotas.waiting()).isEqualTo(3);

    third.cancel(false);
    assertThat(quotas.waiting()).isEqualTo(2);
    first.join().close();
    assertThat(fourth).isCompleted();
    assertThat(fifth).isNotDone();
    second.join().close();
    assertThat(fifth).isCompleted();
    assertThat(quotas.waiting()).isZero();
  }

  @Test
  void aRaisedNumberOfConcurrentRequests_letsInThoseWhoWait() {
    limits = limits(null, null, 1, null);
    CompletableFuture<TenantUse.Place> first = quotas.enter("a");
    CompletableFuture<TenantUse.Place> second = quotas.enter("a");
    limits = limits(null, null, 2, null);
    quotas.changed("a");
    assertThat(first).isCompleted();
    assertThat(second).isCompleted();
    quotas.changed("nobody");
  }

  @Test
  void queuedRequests_beyondTheConcurrentOnes_areRefused() throws Exception {
    limits = limits(null, null, 1, 1);
    CompletableFuture<TenantUse.Place> running = quotas.enter("a");
    CompletableFuture<TenantUse.Place> waiting = quotas.enter("a");

    StatusRuntimeException refused = refused(() -> quotas.enter("a"));
    assertThat(violation(refused).getQuotaId()).isEqualTo("queued_requests");
    assertThat(refused.getStatus().getDescription())
        .isEqualTo("tenant \"a\" has 1 requests running and 1 waiting, which is its quota");
    running.join().close();
    assertThat(waiting).isCompleted();
    assertThat(quotas.enter("a")).isNotDone();
  }

  @Test
  void withoutAQueue_theConcurrentOnesAreTheLimit() throws Exception {
    limits = limits(null, null, 1, 0);
    CompletableFuture<TenantUse.Place> running = quotas.enter("a");
    StatusRuntimeException refused = refused(() -> quotas.enter("a"));
    assertThat(violation(refused).getQuotaId()).isEqualTo("concurrent_requests");
    running.join().close();
    assertThat(quotas.enter("a")).isCompleted();
  }

  @Test
  void queuedRequestsAlone_countThoseThatWaitInTheEngine() {
    limits = limits(null, null, null, 2);
    List<TenantUse.Place> places = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      places.add(quotas.enter("a").join());
    }
    StatusRuntimeException unused = refused(() -> quotas.enter("a"));
    places.getFirst().started();
    places.add(quotas.enter("a").join());
    unused = refused(() -> quotas.enter("a"));
    places.get(1).close();
    places.add(quotas.enter("a").join());
    places.getFirst().close();
    unused = refused(() -> quotas.enter("a"));
  }

  @Test
  void manyThreads_neverHoldMorePlacesThanThereAre() throws Exception {
    limits = limits(null, null, 3, null);
    AtomicInteger held = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger served = new AtomicInteger();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 500; i++) {
        boolean impatient = i % 5 == 0;
        var unused =
            threads.submit(
                () -> {
                  CompletableFuture<TenantUse.Place> entry = quotas.enter("a");
                  if (impatient && entry.cancel(false)) {
                    served.incrementAndGet();
                    return;
                  }
                  try (TenantUse.Place place = entry.join()) {
                    most.accumulateAndGet(held.incrementAndGet(), Math::max);
                    Thread.yield();
                    place.started();
                    held.decrementAndGet();
                  }
                  served.incrementAndGet();
                });
      }
    }
    assertThat(served).hasValue(500);
    assertThat(most.get()).isBetween(1, 3);
    assertThat(quotas.waiting()).isZero();
    for (int i = 0; i < 3; i++) {
      assertThat(quotas.enter("a")).as("all places came back").isCompleted();
    }
    assertThat(quotas.enter("a")).isNotDone();
  }

  @Test
  void aPlace_hasTheTenantsWeight() {
    limits =
        new TenantLimits(
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalInt.empty(),
            OptionalInt.empty(),
            OptionalLong.empty(),
            700);
    assertThat(quotas.enter("a").join().weight()).isEqualTo(700);
    assertThat(quotas.enter("b").join().weight()).isEqualTo(100);
  }

  private static TenantLimits limits(
      @Nullable Integer requests,
      @Nullable Integer tokens,
      @Nullable Integer concurrent,
      @Nullable Integer queued) {
    return new TenantLimits(
        requests == null ? OptionalLong.empty() : OptionalLong.of(requests),
        tokens == null ? OptionalLong.empty() : OptionalLong.of(tokens),
        concurrent == null ? OptionalInt.empty() : OptionalInt.of(concurrent),
        queued == null ? OptionalInt.empty() : OptionalInt.of(queued),
        OptionalLong.empty(),
        100);
  }

  private static StatusRuntimeException refused(ThrowingCallable call) {
    StatusRuntimeException refused = catchThrowableOfType(StatusRuntimeException.class, call);
    assertThat(refused).isNotNull();
    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    return refused;
  }

  private static QuotaFailure.Violation violation(StatusRuntimeException refused) throws Exception {
    return detail(refused, QuotaFailure.class).getViolations(0);
  }

  private static <T extends Message> T detail(StatusRuntimeException refused, Class<T> type)
      throws Exception {
    for (Any detail : StatusProto.fromThrowable(refused).getDetailsList()) {
      if (detail.is(type)) {
        return detail.unpack(type);
      }
    }
    throw new AssertionError("no " + type + " in " + refused);
  }
}
