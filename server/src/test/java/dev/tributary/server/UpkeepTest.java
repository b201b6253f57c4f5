package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.record.EndReason;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.Record;
import dev.tributary.record.StartedRecord;
import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.accounts.Generation;
import dev.tributary.server.accounts.GenerationQuery;
import dev.tributary.server.accounts.Settlement;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.ledger.LogSettings;
import dev.tributary.server.rpc.Books;
import dev.tributary.server.state.Quota;
import dev.tributary.server.state.State;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class UpkeepTest {
  private static final SigningKey KEY = SigningKey.generate("test.example/log", new SecureRandom());

  @TempDir private Path folder;
  private volatile Instant now = Instant.parse("2026-03-01T10:20:30Z");
  private final InstantSource time = () -> now;
  private State state;
  private Books books;

  @BeforeEach
  void open() throws IOException {
    state = State.open(folder.resolve("state.db"), time);
    Ledger ledger = Ledger.open(LogSettings.of(folder.resolve("ledger"), KEY), time);
    Accounts accounts = Accounts.open(Accounts.sqlite(folder.resolve("accounts.db")), ledger, time);
    accounts.follow();
    books = new Books(ledger, accounts);
  }

  @AfterEach
  void close() {
    books.close();
    state.close();
  }

  private void reopen() throws IOException {
    close();
    open();
  }

  private void advance(Duration by) {
    now = now.plus(by);
  }

  private long micros() {
    return ChronoUnit.MICROS.between(Instant.EPOCH, time.instant());
  }

  private long append(Record record) {
    return books.ledger().append(record).join();
  }

  /// The leaf of a generation of 10 tokens that ends now, when the accounts have it.
  private long generation(String tenant, String id) throws InterruptedException {
    long started = append(new StartedRecord(id, tenant, List.of(), micros()));
    long leaf =
        append(
            new GenerationRecord(
                id,
                started,
                tenant,
                null,
                List.of(),
                null,
                List.of(1, 2, 3),
                List.of(4, 5),
                new GenerationRecord.Usage(6, 0, 4),
                EndReason.INTERRUPTED,
                "",
                List.of(),
                -1,
                null,
                false,
                false,
                micros() - 1,
                micros()));
    follow(leaf);
    return leaf;
  }

  private void follow(long leaf) throws InterruptedException {
    assertThat(books.accounts().awaitUpTo(leaf, Duration.ofMinutes(1))).isTrue();
  }

  /// A token is a millionth, from the next hour on, which then begins.
  private void price() throws InterruptedException {
    long hour = Record.hour(micros()) + 1;
    follow(
        append(
            new PriceRuleRecord(
                new PriceRuleRecord.Open(hour, "EUR", 1_000_000, 1_000_000, 1_000_000), "", "")));
    advance(Duration.ofHours(1));
  }

  private void work(int settleEvery) {
    try (Upkeep upkeep = Upkeep.of(books, state.tenants(), settleEvery, time)) {
      upkeep.doWork();
    }
  }

  private List<String> kept(String tenant) {
    return books.accounts().generations(GenerationQuery.of(tenant, 1_000)).stream()
        .map(Generation::id)
        .toList();
  }

  private List<Settlement> settlements() {
    return books.accounts().settlementsBefore(Long.MAX_VALUE, 100);
  }

  @Test
  void retention_erasesWhatIsOlder_ofThatTenantAlone() throws Exception {
    var unused = state.tenants().create("acme", "", Quota.NONE, Duration.ofDays(30));
    unused = state.tenants().create("bolt", "", Quota.NONE);
    long old = generation("acme", "old");
    long others = generation("bolt", "theirs");
    advance(Duration.ofDays(30).minusSeconds(1));
    long young = generation("acme", "young");
    work(0);
    assertThat(kept("acme")).as("not a second earlier").containsExactly("young", "old");
    advance(Duration.ofSeconds(2));
    reopen();
    work(0);
    assertThat(kept("acme")).containsExactly("young");
    assertThat(books.ledger().erased(old)).isTrue();
    assertThat(books.ledger().erased(young)).isFalse();
    assertThat(books.ledger().erased(others)).isFalse();
    assertThat(kept("bolt")).containsExactly("theirs");
    advance(Duration.ofDays(30));
    unused = state.tenants().update("acme", null, tenant -> tenant.withRetention(null));
    work(0);
    assertThat(kept("acme")).as("it was taken back").containsExactly("young");
  }

  @Test
  void retention_goesOnThroughManyBatches() throws Exception {
    var unused = state.tenants().create("acme", "", Quota.NONE, Duration.ofHours(1));
    for (int i = 0; i < 210; i++) {
      generation("acme", "g" + i);
    }
    advance(Duration.ofHours(2));
    work(0);
    assertThat(kept("acme")).isEmpty();
  }

  @Test
  void pricedAnswers_outliveTheirRetentionUntilTheyAreSettled() throws Exception {
    var unused = state.tenants().create("acme", "", Quota.NONE, Duration.ofHours(1));
    price();
    long leaf = generation("acme", "g");
    advance(Duration.ofHours(5));
    work(0);
    assertThat(kept("acme")).containsExactly("g");
    assertThat(settlements()).isEmpty();
    work(2);
    assertThat(settlements()).singleElement().satisfies(it -> assertThat(it.fees()).isEqualTo(10));
    assertThat(books.ledger().erased(leaf)).as("by the same round").isTrue();
  }

  @Test
  void closing_leavesEachHourOpenForAsLong_andSettlesItOnce() throws Exception {
    work(24);
    assertThat(settlements()).as("without prices").isEmpty();
    price();
    generation("acme", "g1"); // 2026-03-01 11:20
    now = Instant.parse("2026-03-02T23:59:59Z");
    work(24);
    assertThat(settlements()).allSatisfy(it -> assertThat(it.fees()).isZero());
    now = Instant.parse("2026-03-03T00:00:00Z");
    reopen();
    work(24);
    Settlement settled = settlements().getFirst();
    assertThat(settled.fees()).isEqualTo(10);
    assertThat(settled.toHour())
        .isEqualTo(Instant.parse("2026-03-02T00:00:00Z").getEpochSecond() / 3_600);
    advance(Duration.ofHours(23));
    reopen();
    work(24);
    assertThat(settlements().getFirst()).as("not again").isEqualTo(settled);
  }

  @Test
  void aTaskThatFailed_runsAgainThoughTheOthersNeedNot() {
    List<String> ran = new ArrayList<>();
    Upkeep.Task failing =
        (at, ending) -> {
          ran.add("failing");
          if (ran.size() == 1) {
            throw new IllegalStateException("the disk is full");
          }
        };
    Upkeep upkeep = new Upkeep(List.of(failing, (at, ending) -> ran.add("other")), time);
    upkeep.doWork();
    assertThat(ran).containsExactly("failing", "other");
    upkeep.doWork();
    assertThat(ran).containsExactly("failing", "other", "failing");
    upkeep.doWork();
    advance(Duration.ofHours(1).minusNanos(1));
    upkeep.doWork();
    assertThat(ran).as("nothing is due").hasSize(3);
    advance(Duration.ofNanos(1));
    upkeep.doWork();
    assertThat(ran).hasSize(5);
    advance(Duration.ofDays(-1));
    upkeep.doWork();
    assertThat(ran).as("the clock was set back").hasSize(7);
    upkeep.close();
    upkeep.doWork();
    assertThat(ran).as("it ended").hasSize(7);
  }

  @Test
  void close_endsTheTaskUnderWay() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    Upkeep upkeep =
        new Upkeep(
            List.of(
                (at, ending) -> {
                  begun.countDown();
                  while (!ending.getAsBoolean()) {
                    Thread.onSpinWait();
                  }
                  ended.countDown();
                }),
            time);
    upkeep.start();
    begun.await();
    upkeep.close();
    assertThat(ended.getCount()).isZero();
  }
}
