package dev.tributary.server.state;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/// The log of administrative actions. The database itself refuses to change or delete its lines.
public final class Audit {
  /// Characters of a text that are kept.
  private static final int MAX_TEXT = 1_000;

  private final Database database;

  Audit(Database database) {
    this.database = database;
  }

  /// Adds a line, durable on return. Of each text the first 1,000 characters are kept.
  public AuditEntry append(
      Instant at,
      String actor,
      String tenant,
      String action,
      String subject,
      String outcome,
      String detail) {
    return database.write(
        session ->
            session
                .one(
                    """
                    INSERT INTO audit (at, actor, tenant, action, subject, outcome, detail)
                    VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *""",
                    Audit::entry,
                    at.truncatedTo(ChronoUnit.MILLIS),
                    cut(actor),
                    cut(tenant),
                    cut(action),
                    cut(subject),
                    cut(outcome),
                    cut(detail))
                .orElseThrow());
  }

  /// Newest first.
  ///
  /// @param before number of the last one of the page before; [Long#MAX_VALUE] for the first page
  /// @param limit in [1, 10,000]
  public List<AuditEntry> list(long before, int limit) {
    Checks.page(limit);
    return database.read(
        session ->
            session.all(
                "SELECT * FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?",
                Audit::entry,
                before,
                limit));
  }

  private static String cut(String text) {
    return text.substring(0, Math.min(MAX_TEXT, text.length()));
  }

  private static AuditEntry entry(ResultSet row) throws SQLException {
    return new AuditEntry(
        row.getLong("seq"),
        Session.instant(row, "at"),
        row.getString("actor"),
        row.getString("tenant"),
        row.getString("action"),
        row.getString("subject"),
        row.getString("outcome"),
        row.getString("detail"));
  }
}
