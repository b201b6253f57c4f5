package dev.tributary.server.accounts;

import dev.tributary.record.ErasureRecord;
import dev.tributary.server.ledger.Ledger;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/// Finds what must go with a generation: what began it, and all that was said of it later.
///
/// Only settled generations go, and those that cost nothing: else who pays could undo the fee, and
/// with it what contributors are due.
final class Erasing {
  /// Generations that are erased together.
  private static final int BATCH = 200;

  /// Not its business as long as it has a price and is not settled.
  private static final String MAY_GO = " AND (rule IS NULL OR settlement IS NOT NULL)";

  private final Database database;
  private final Ledger ledger;

  Erasing(Database database, Ledger ledger) {
    this.database = database;
    this.ledger = ledger;
  }

  void erase(String tenant, long generation, String cause) {
    List<Long> leaves =
        database.read(
            session -> {
              if (!is(session, tenant, generation, "")) {
                throw AccountsException.refused(
                    "leaf " + generation + " is no generation of " + tenant);
              }
              if (!is(session, tenant, generation, MAY_GO)) {
                throw AccountsException.refused(
                    "the generation has a price and is not settled yet: settle its hour first");
              }
              return with(session, generation);
            });
    ledger.erase(leaves, tenant, cause);
  }

  /// @param condition more that must hold, of SQL
  private static boolean is(Session session, String tenant, long generation, String condition)
      throws SQLException {
    return session
        .one(
            "SELECT leaf FROM generations WHERE leaf = ? AND tenant = ?" + condition,
            row -> row.getLong(1),
            generation,
            tenant)
        .isPresent();
  }

  /// Erases a batch of what ended before a time.
  ///
  /// @return how many generations
  int expire(String tenant, long beforeMicros) {
    List<Long> found =
        database.read(
            session ->
                session.all(
                    "SELECT leaf FROM generations WHERE tenant = ? AND end_micros < ?"
                        + MAY_GO
                        + " ORDER BY end_micros LIMIT ?",
                    row -> row.getLong(1),
                    tenant,
                    beforeMicros,
                    BATCH));
    List<Long> leaves = new ArrayList<>();
    for (long generation : found) {
      leaves.addAll(database.read(session -> with(session, generation)));
    }
    ledger.erase(leaves, tenant, "retention");
    return found.size();
  }

  /// What was said of a generation after it was erased.
  ///
  /// @param erasure leaf that says why, and whose it was
  private record Leftover(long leaf, long erasure) {}

  /// Erases a batch of what outlived its generation.
  ///
  /// @return how many leaves
  int eraseLeftovers() {
    List<Leftover> found =
        database.read(
            session ->
                session.all(
                    "SELECT leaf, erasure FROM remarks WHERE erasure IS NOT NULL"
                        + " ORDER BY leaf LIMIT ?",
                    row -> new Leftover(row.getLong("leaf"), row.getLong("erasure")),
                    BATCH));
    for (Leftover each : found) {
      // It is of a kind that is kept.
      ErasureRecord why = ErasureRecord.of(ledger.record(each.erasure).orElseThrow());
      ledger.erase(List.of(each.leaf), why.tenant(), why.cause());
    }
    return found.size();
  }

  /// The generation comes last: as long as it is there, the others are found again.
  private static List<Long> with(Session session, long generation) throws SQLException {
    List<Long> leaves =
        new ArrayList<>(
            session.all(
                "SELECT leaf FROM remarks WHERE generation = ? ORDER BY leaf",
                row -> row.getLong(1),
                generation));
    leaves.addAll(
        session.all(
            "SELECT started_leaf FROM generations WHERE leaf = ?",
            row -> row.getLong(1),
            generation));
    leaves.add(generation);
    return leaves;
  }
}
