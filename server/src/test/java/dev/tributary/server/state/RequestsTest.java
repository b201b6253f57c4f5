package dev.tributary.server.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RequestsTest {
  @TempDir Path folder;
  private final FakeTime time = new FakeTime();
  private Database database;
  private Requests requests;

  @BeforeEach
  void open() {
    database = Database.open(folder.resolve("state.db"), Schema.current());
    requests = new Requests(database, time, 3);
  }

  @AfterEach
  void close() {
    database.close();
  }

  private Requests.Reservation take(String tenant, String id) {
    return (Requests.Reservation) requests.reserve(tenant, id, "g-" + id);
  }

  private void use(String tenant, String id) {
    try (Requests.Reservation taken = take(tenant, id)) {
      taken.keep();
      taken.keep();
    }
  }

  private void assertTaken(String tenant, String id) {
    assertThat(requests.reserve(tenant, id, "new")).isEqualTo(new Requests.Taken("g-" + id));
  }

  @Test
  void reserve_isTakenWhileTheCallRuns_andFreeIfItCostNothing() {
    Requests.Reservation first = take("t", "a");
    assertTaken("t", "a");
    first.close();
    Requests.Reservation second = take("t", "a");
    first.close();
    assertTaken("t", "a");
    second.close();
    take("t", "a").close();
  }

  @Test
  void keep_isRememberedAcrossRestarts_perTenant() {
    use("t", "a");
    Requests.Reservation running = take("t", "b");
    running.keep();
    take("t", "c");
    close();
    open();
    assertTaken("t", "a");
    assertTaken("t", "b");
    use("t", "c");
    use("u", "a");
  }

  @Test
  void keep_lastsADay() {
    use("t", "a");
    time.advance(Requests.KEPT.minusMillis(1));
    assertTaken("t", "a");
    time.advance(Duration.ofMillis(1));
    use("t", "a");
    assertTaken("t", "a");
  }

  @Test
  void keep_pastTheCapacity_forgetsTheOldest() {
    for (String id : new String[] {"a", "b", "c", "d"}) {
      use("t", id);
    }
    assertTaken("t", "b");
    assertTaken("t", "d");
    use("t", "a");
    use("t", "b");
  }

  @Test
  void reserve_byManyAtOnce_isGivenOnce() throws Exception {
    AtomicInteger given = new AtomicInteger();
    for (int round = 0; round < 20; round++) {
      String id = "r" + round;
      CountDownLatch start = new CountDownLatch(1);
      given.set(0);
      try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < 8; i++) {
          threads.execute(
              () -> {
                try {
                  start.await();
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
                if (requests.reserve("t", id, "g") instanceof Requests.Reservation mine) {
                  mine.keep();
                  mine.close();
                  given.incrementAndGet();
                }
              });
        }
        start.countDown();
      }
      assertThat(given).hasValue(1);
    }
  }
}
