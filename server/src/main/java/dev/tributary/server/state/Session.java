package dev.tributary.server.state;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One connection and its prepared statements, used by one thread at a time. Every text of SQL is a
/// constant, so the statements are few and live as long as the connection.
final class Session implements AutoCloseable {
  /// Makes a value of the current row; must not use the session.
  interface RowReader<T> {
    T read(ResultSet row) throws SQLException;
  }

  private final Connection connection;
  private final Map<String, PreparedStatement> statements = new HashMap<>();

  /// Hears the text of every statement with parameters, on the thread that runs it.
  private volatile Consumer<String> listener = sql -> {};

  Session(Connection connection) {
    this.connection = connection;
  }

  /// For tests of how much work an answer takes.
  void listen(Consumer<String> heard) {
    listener = heard;
  }

  /// Runs statements without parameters, several at once too.
  void script(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate(sql);
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
    try (ResultSet rows = prepare(sql, arguments).executeQuery()) {
      List<T> found = new ArrayList<>();
      while (rows.next()) {
        found.add(reader.read(rows));
      }
      return found;
    }
  }

  /// The one number that a query always gives.
  long number(String sql, @Nullable Object... arguments) throws SQLException {
    return one(sql, row -> row.getLong(1), arguments).orElseThrow();
  }

  /// Starts a transaction that writes. By statements, since the driver's own transactions start at
  /// the end of the one before and would keep the file locked.
  void begin() throws SQLException {
    script("BEGIN IMMEDIATE");
  }

  void commit() throws SQLException {
    script("COMMIT");
  }

  void rollback() throws SQLException {
    script("ROLLBACK");
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }

  private PreparedStatement prepare(String sql, @Nullable Object[] arguments) throws SQLException {
    listener.accept(sql);
    PreparedStatement statement = statements.get(sql);
    if (statement == null) {
      statement = connection.prepareStatement(sql);
      statements.put(sql, statement);
    }
    for (int i = 0; i < arguments.length; i++) {
      statement.setObject(i + 1, plain(arguments[i]));
    }
    return statement;
  }

  /// As SQLite stores it.
  private static @Nullable Object plain(@Nullable Object value) {
    return switch (value) {
      case Boolean flag -> flag ? 1 : 0;
      case Instant time -> time.toEpochMilli();
      case Enum<?> constant -> constant.name();
      case Path path -> path.toString();
      case null, default -> value;
    };
  }

  static Instant instant(ResultSet row, String column) throws SQLException {
    return Instant.ofEpochMilli(row.getLong(column));
  }

  static @Nullable Instant optionalInstant(ResultSet row, String column) throws SQLException {
    Long millis = optionalLong(row, column);
    return millis == null ? null : Instant.ofEpochMilli(millis);
  }

  static @Nullable Long optionalLong(ResultSet row, String column) throws SQLException {
    long value = row.getLong(column);
    return row.wasNull() ? null : value;
  }

  static @Nullable Integer optionalInt(ResultSet row, String column) throws SQLException {
    int value = row.getInt(column);
    return row.wasNull() ? null : value;
  }
}
