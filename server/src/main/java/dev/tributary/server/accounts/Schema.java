package dev.tributary.server.accounts;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// The tables. There are no migrations: other tables than these are dropped, and made again from
/// the log.
final class Schema {
  /// Changes with `tables.sql`, and with what is posted into it.
  private static final int VERSION = 3;

  private static final Pattern TABLE = Pattern.compile("CREATE TABLE (\\w+)");

  private Schema() {}

  /// Makes the tables unless they are there, those of this version and this log.
  ///
  /// @throws AccountsException if the database is another log's
  static void prepare(Session session, Dialect dialect, String origin) throws SQLException {
    List<String> tables = session.all(dialect.tables(), row -> row.getString(1));
    if (tables.contains("followed")) {
      String other =
          session.one("SELECT origin FROM followed", row -> row.getString(1)).orElse(origin);
      if (!other.equals(origin)) {
        throw new AccountsException(
            new AccountsException.Unavailable("these are the accounts of " + other));
      }
      long version = session.one("SELECT version FROM followed", row -> row.getLong(1)).orElse(-1L);
      if (version == VERSION) {
        return;
      }
    }
    create(session, dialect, origin);
  }

  /// Makes the tables, empty, in place of any that are there.
  static void create(Session session, Dialect dialect, String origin) throws SQLException {
    String script =
        script().replaceAll("--[^\\n]*", "").replaceAll("leaf KEY\\b", "leaf " + dialect.key());
    for (String table : names()) {
      session.script("DROP TABLE IF EXISTS " + table);
    }
    for (String statement : script.split(";", -1)) {
      if (!statement.isBlank()) {
        session.script(statement);
      }
    }
    session.run(
        "INSERT INTO followed (version, origin, next_leaf, last_hash) VALUES (?, ?, 0, '')",
        VERSION,
        origin);
  }

  /// Of all tables.
  static List<String> names() {
    return TABLE.matcher(script()).results().map((MatchResult found) -> found.group(1)).toList();
  }

  private static String script() {
    try (InputStream script = Schema.class.getResourceAsStream("tables.sql")) {
      if (script == null) {
        throw new IllegalStateException("tables.sql is missing");
      }
      return new String(script.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
