package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RecentRequestsTest {
  private final AtomicLong clock = new AtomicLong(-5);
  private final RecentRequests recent = new RecentRequests(clock::get, 3);

  private void use(String tenant, String id) {
    try (RecentRequests.Reservation taken = recent.reserve(tenant, id, "g-" + id)) {
      taken.keep();
    }
  }

  private void assertTaken(String tenant, String id) {
    assertThatThrownBy(() -> recent.reserve(tenant, id, "new")).hasMessageContaining("g-" + id);
  }

  @Test
  void reserve_isTakenWhileTheCallRuns_andFreeIfItCostNothing() {
    RecentRequests.Reservation first = recent.reserve("t", "a", "g-a");
    assertTaken("t", "a");
    first.close();
    recent.reserve("t", "a", "g-a").close();
  }

  @Test
  void reserve_isScopedToTheTenant() {
    use("t", "a");
    use("u", "a");
    assertTaken("t", "a");
    assertTaken("u", "a");
  }

  @Test
  void reserve_isRememberedForADay() {
    use("t", "a");
    clock.addAndGet(RecentRequests.KEPT.toNanos() - 1);
    assertTaken("t", "a");
    clock.incrementAndGet();
    use("t", "a");
  }

  @Test
  void reserve_pastTheCapacity_forgetsTheOldest() {
    use("t", "a");
    use("t", "b");
    use("t", "c");
    use("t", "d");
    assertTaken("t", "b");
    assertTaken("t", "d");
    use("t", "a");
  }

  @Test
  void close_afterBeingForgotten_doesNotFreeAnothers() {
    RecentRequests.Reservation forgotten = recent.reserve("t", "a", "g-1");
    use("t", "b");
    use("t", "c");
    use("t", "d");
    RecentRequests.Reservation second = recent.reserve("t", "a", "g-a");
    forgotten.close();
    assertTaken("t", "a");
    second.close();
    assertThat(recent.reserve("t", "a", "g-2")).isNotNull();
  }
}
