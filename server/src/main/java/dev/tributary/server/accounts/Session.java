package dev.tributary.server.accounts;

import dev.tributary.tlog.Hash;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One connection and its prepared statements, used by one thread at a time. Every text of SQL is a
/// constant, so the statements are few and live as long as the connection.
final class Session implements AutoCloseable {
  /// Makes a value of the current row; must not use the session.
  interface RowReader<T> {
    T read(ResultSet row) throws SQLException;
  }

  /// Takes the current row; must not use the session.
  interface RowTaker {
    void take(ResultSet row) throws SQLException;
  }

  /// Rows fetched at a time where all of a long result are taken.
  private static final int FETCHED = 1_000;

  private static final int VALID_SECONDS = 5;

  private final Connection connection;
  private final Map<String, PreparedStatement> statements = new HashMap<>();

  Session(Connection connection) {
    this.connection = connection;
  }

  /// Whether the database still answers.
  boolean valid() throws SQLException {
    return connection.isValid(VALID_SECONDS);
  }

  /// @param statement that begins a transaction; empty where the driver begins it by itself
  void begin(String statement) throws SQLException {
    if (!statement.isEmpty()) {
      script(statement);
    }
  }

  void commit() throws SQLException {
    if (connection.getAutoCommit()) {
      script("COMMIT");
    } else {
      connection.commit();
    }
  }

  /// Runs a statement without parameters.
  void script(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /// Runs a change.
  ///
  /// @return rows changed
  int run(String sql, @Nullable Object... arguments) throws SQLException {
    return prepare(sql, arguments).executeUpdate();
  }

  <T> Optional<T> one(String sql, RowReader<T> reader, @Nullable Object... arguments)
      throws SQLException {
    try (ResultSet rows = prepare(sql, arguments).executeQuery()) {
      return rows.next() ? Optional.of(reader.read(rows)) : Optional.empty();
    }
  }

  <T> List<T> all(String sql, RowReader<T> reader, @Nullable Object... arguments)
      throws SQLException {
    List<T> found = new ArrayList<>();
    each(sql, row -> found.add(reader.read(row)), arguments);
    return found;
  }

  /// Without keeping more than some rows in memory, if in a transaction.
  void each(String sql, RowTaker taker, @Nullable Object... arguments) throws SQLException {
    try (ResultSet rows = prepare(sql, arguments).executeQuery()) {
      while (rows.next()) {
        taker.take(rows);
      }
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }

  private PreparedStatement prepare(String sql, @Nullable Object[] arguments) throws SQLException {
    PreparedStatement statement = statements.get(sql);
    if (statement == null) {
      statement = connection.prepareStatement(sql);
      statement.setFetchSize(FETCHED);
      statements.put(sql, statement);
    }
    for (int i = 0; i < arguments.length; i++) {
      statement.setObject(i + 1, plain(arguments[i]));
    }
    return statement;
  }

  /// As it is stored.
  private static @Nullable Object plain(@Nullable Object value) {
    return switch (value) {
      case Boolean flag -> flag ? 1L : 0L;
      case Integer number -> number.longValue();
      case Enum<?> constant -> constant.name();
      case Hash hash -> hash.text();
      case null, default -> value;
    };
  }

  static @Nullable Long optionalLong(ResultSet row, String column) throws SQLException {
    long value = row.getLong(column);
    return row.wasNull() ? null : value;
  }
}
