package dev.tributary.server.accounts;

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
            session ->
                session
                        .one(
                            "SELECT leaf FROM generations WHERE leaf = ? AND tenant = ?" + MAY_GO,
                            row -> row.getLong(1),
                            generation,
                            tenant)
                        .isPresent()
                    ? with(session, generation)
                    : List.of());
    if (leaves.isEmpty()) {
      throw AccountsException.refused(
          "leaf " + generation + " is no generation of " + tenant + ", or is not settled yet");
    }
    ledger.erase(leaves, tenant, cause);
  }

  /// Erases what ended before a time.
  ///
  /// @return how many generations
  long expire(String tenant, long beforeMicros, Step step) {
    long erased = 0;
    while (true) {
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
      if (found.isEmpty()) {
        return erased;
      }
      List<Long> leaves = new ArrayList<>();
      for (long generation : found) {
        leaves.addAll(database.read(session -> with(session, generation)));
      }
      ledger.erase(leaves, tenant, "retention");
      erased += found.size();
      step.followed();
    }
  }

  /// Waits until what was erased has left the view.
  interface Step {
    void followed();
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
