package dev.tributary.server.accounts;

import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.SettlementRecord;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.tlog.Hash;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// The open accounts; see the package. Any thread may use them.
public final class Accounts implements AutoCloseable {
  private static final Duration CATCH_UP = Duration.ofMinutes(1);

  private final Database database;
  private final Ledger ledger;
  private final Follower follower;
  private final Erasing erasing;
  private final Bookings bookings;
  private final Statements statements;

  private Accounts(Database database, Ledger ledger, Follower follower, InstantSource time) {
    this.database = database;
    this.ledger = ledger;
    this.follower = follower;
    this.erasing = new Erasing(database, ledger);
    this.bookings = new Bookings(database, ledger, time, this::catchUp);
    this.statements = new Statements(ledger);
  }

  /// In a SQLite file.
  public static String sqlite(Path file) {
    return "jdbc:sqlite:" + file.toAbsolutePath();
  }

  /// Opens the accounts of a ledger, or makes them.
  ///
  /// @param url of JDBC: [#sqlite], or `jdbc:postgresql:` and on
  /// @throws AccountsException if the database can't be used, or is another log's
  public static Accounts open(String url, Ledger ledger, InstantSource time) {
    Database database = new Database(url);
    try {
      return new Accounts(database, ledger, new Follower(database, ledger), time);
    } catch (RuntimeException e) {
      database.close();
      throw e;
    }
  }

  /// Begins to follow the log, on a thread of its own.
  public void follow() {
    follower.start();
  }

  /// Leaves that were followed.
  public long followed() {
    return follower.next();
  }

  /// Waits until a leaf was followed.
  ///
  /// @return false if it was not within this time
  /// @throws AccountsException if the database can't be written now
  public boolean awaitUpTo(long leaf, Duration most) throws InterruptedException {
    return follower.await(leaf, most);
  }

  /// One of a tenant's generations; empty also for an erased one.
  public Optional<Generation> generation(String tenant, String id) {
    return database.read(session -> Generations.byId(session, tenant, id));
  }

  /// The same among the generations of all tenants.
  public Optional<Generation> generation(String id) {
    return database.read(session -> Generations.byId(session, id));
  }

  /// Leaf of the first build of a tenant's adapter version; empty if there is none, and if it is
  /// erased.
  public OptionalLong build(String tenant, Hash adapter) {
    return database
        .read(
            session ->
                session.one(
                    "SELECT leaf FROM builds WHERE digest = ? AND tenant = ? ORDER BY leaf LIMIT 1",
                    row -> row.getLong("leaf"),
                    adapter,
                    tenant))
        .map(OptionalLong::of)
        .orElseGet(OptionalLong::empty);
  }

  /// The generation of a leaf; empty if there is none, and if it is erased.
  public Optional<Generation> generation(long leaf) {
    return database.read(session -> Generations.byLeaf(session, leaf));
  }

  /// Leaves of generations that nobody has attributed, not even to nobody, the oldest first.
  ///
  /// @param most 1 and up
  public List<Long> unattributed(int most) {
    return database.read(
        session ->
            session.all(
                "SELECT leaf FROM generations WHERE attribution IS NULL AND tenant IS NOT NULL"
                    + " ORDER BY leaf LIMIT ?",
                row -> row.getLong(1),
                most));
  }

  public List<Generation> generations(GenerationQuery query) {
    return database.read(session -> Generations.page(session, query));
  }

  /// Those that began and did not end yet, in the order in which they began. At a start, when none
  /// can be under way, the ones that were interrupted.
  public List<OpenGeneration> open() {
    return database.read(Generations::open);
  }

  /// Records a price. All prices are in one currency.
  ///
  /// @return the leaf
  /// @throws AccountsException if it is to be in effect before the next hour
  public long price(PriceRuleRecord rule) {
    return bookings.price(rule);
  }

  /// By their leaves.
  public List<PriceRule> priceRules() {
    return database.read(PriceRule::all);
  }

  /// Records that a generation is credited otherwise than it was. What is missing to the whole is
  /// unattributed.
  ///
  /// @param generation leaf of the generation
  /// @param reason one that its contributors may read
  /// @return the leaf
  /// @throws AccountsException if it is settled, or was never attributed
  public long correct(long generation, List<CorrectedShare> shares, int basePpm, String reason) {
    return bookings.correct(generation, shares, basePpm, reason);
  }

  /// Closes the period since the last settlement.
  ///
  /// @param toHour the first hour after it, since 1970; not after now
  /// @return the leaf
  /// @throws AccountsException if the period has no hour or is not over, or nothing has a price
  public long settle(long toHour) {
    return bookings.settle(toHour);
  }

  public Optional<Settlement> settlement(long leaf) {
    return database.read(session -> Settlements.byLeaf(session, leaf));
  }

  /// Those whose periods lie within these hours, the oldest first.
  public List<Settlement> settlements(long fromHour, long toHour) {
    return database.read(session -> Settlements.within(session, fromHour, toHour));
  }

  /// Settlements without their lines, the newest first.
  ///
  /// @param before leaf of the last one of the page before; [Long#MAX_VALUE] for the first page
  public List<Settlement> settlementsBefore(long before, int most) {
    return database.read(session -> Settlements.before(session, before, most));
  }

  /// Lines of a settlement in their order.
  ///
  /// @param from place of the first, from 0
  public List<SettlementRecord.Line> settlementLines(long leaf, long from, int most) {
    return database.read(session -> Settlements.lines(session, leaf, from, most));
  }

  /// Computes a settlement again.
  public Settlement.Recomputed recompute(Settlement settlement) {
    return database.read(session -> bookings.settlements().recompute(session, settlement));
  }

  /// What a tenant's contributor is credited in all settlements together, in millionths of the
  /// currency's unit.
  public long balance(String tenant, String contributor) {
    return database.read(
        session ->
            session
                .one(
                    "SELECT COALESCE(SUM(micros), 0) FROM settlement_lines"
                        + " WHERE tenant = ? AND contributor = ?",
                    row -> row.getLong(1),
                    tenant,
                    contributor)
                .orElse(0L));
  }

  /// What one contributor's data did, and earned: settled in periods within these hours, and open.
  public Statement statement(String contributor, long fromHour, long toHour) {
    return database.read(session -> statements.of(session, contributor, fromHour, toHour));
  }

  /// Erases a generation with all that began it and was said of it later. It must be settled,
  /// unless it costs nothing: else who pays for it could undo the fee, and what contributors are
  /// due.
  ///
  /// @param leaf of the generation
  /// @param cause one line, such as `request`
  /// @throws AccountsException if it is not settled, or no generation of this tenant
  public void erase(String tenant, long leaf, String cause) {
    catchUp();
    erasing.erase(tenant, leaf, cause);
    catchUp();
    int unused = eraseLeftovers();
  }

  /// Erases some hundred of a tenant's generations that ended before this time, the oldest first,
  /// but those that have a price and are not settled.
  ///
  /// @param beforeMicros since 1970
  /// @return how many; 0 if there are none left
  public int expire(String tenant, long beforeMicros) {
    int erased = erasing.expire(tenant, beforeMicros);
    if (erased > 0) {
      catchUp();
    }
    return erased;
  }

  /// Erases some hundred records of what was said of generations after they were erased: an
  /// attribution that came late, an audit.
  ///
  /// @return how many; 0 if there are none left
  public int eraseLeftovers() {
    int erased = erasing.eraseLeftovers();
    if (erased > 0) {
      catchUp();
    }
    return erased;
  }

  /// Waits until all that is durable now was followed.
  private void catchUp() {
    try {
      if (!follower.await(ledger.log().durable() - 1, CATCH_UP)) {
        throw new AccountsException(
            new AccountsException.Unavailable("the accounts lag behind the log"));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AccountsException(
          new AccountsException.Unavailable("interrupted while the accounts were awaited"), e);
    }
  }

  @Override
  public void close() {
    try (database) {
      follower.close();
    }
  }
}
