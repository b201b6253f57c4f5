package dev.tributary.server.accounts;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import org.sqlite.SQLiteConfig;

/// All that one database calls otherwise than the other.
///
/// @param key type of a primary key that is a leaf's index
/// @param write begins a transaction that writes
/// @param read begins a transaction that sees one state of the database
/// @param tables names of the tables there are
/// @param claim makes this connection the only one that writes, or fails; nothing where the data
///   folder has its own lock
record Dialect(String key, String write, String read, String tables, List<String> claim) {
  /// How long SQLite itself waits for its locks.
  private static final int BUSY_MILLIS = 10_000;

  private static final String SQLITE_PREFIX = "jdbc:sqlite:";
  private static final String POSTGRES_PREFIX = "jdbc:postgresql:";

  private static final Dialect SQLITE =
      new Dialect(
          "INTEGER PRIMARY KEY",
          "BEGIN IMMEDIATE",
          "BEGIN",
          "SELECT name FROM sqlite_schema WHERE type = 'table'",
          List.of());

  private static final Dialect POSTGRES =
      new Dialect(
          "BIGINT PRIMARY KEY",
          "", // the driver begins it, else it would fetch all rows at once
          "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
          "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
          // The server may take a moment to notice that whoever had it is gone.
          List.of("SET LOCAL lock_timeout = '3s'", "SELECT pg_advisory_lock(1414678850)"));

  /// @param url of JDBC
  /// @throws IllegalArgumentException if the database is of another kind
  static Dialect of(String url) {
    if (url.startsWith(SQLITE_PREFIX)) {
      return SQLITE;
    }
    if (url.startsWith(POSTGRES_PREFIX)) {
      return POSTGRES;
    }
    throw new IllegalArgumentException(
        "accounts are kept in jdbc:sqlite: or jdbc:postgresql:, not in " + url);
  }

  Session connect(String url) throws SQLException {
    if (!this.equals(SQLITE)) {
      Connection connection = DriverManager.getConnection(url);
      connection.setAutoCommit(false);
      return new Session(connection);
    }
    SQLiteConfig settings = new SQLiteConfig();
    settings.setBusyTimeout(BUSY_MILLIS);
    settings.setJournalMode(SQLiteConfig.JournalMode.WAL);
    // A view can be made again, so a commit does not wait for the disk.
    settings.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
    Connection connection = settings.createConnection(url);
    return new Session(connection);
  }
}
