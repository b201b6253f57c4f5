package dev.tributary.server.state;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.IntStream;

/// The tables, as numbered migrations: resources `1.sql`, `2.sql` and so on, of which the file
/// remembers the last in `user_version`. A migration that was released is never edited.
///
/// @param migrations scripts, the first being number 1
record Schema(List<String> migrations) {
  /// The newest migration.
  private static final int VERSION = 4;

  /// What SQLite keeps in the file's header to say whose it is: "TRIB".
  private static final int APPLICATION = 0x5452_4942;

  /// Findings of the check that a message repeats.
  private static final int FINDINGS = 3;

  Schema {
    migrations = List.copyOf(migrations);
  }

  static Schema current() {
    return new Schema(IntStream.rangeClosed(1, VERSION).mapToObj(Schema::script).toList());
  }

  /// Checks a file before anything of it is changed, and brings it to the newest version.
  void prepare(Session session, Path file) throws SQLException {
    int version = (int) session.number("PRAGMA user_version");
    if (session.number("SELECT count(*) FROM sqlite_schema") > 0) {
      requireOurs(session, file);
    }
    if (version > migrations.size()) {
      throw unusable(
          "%s has schema %d, this server knows %d: use the newer server, or a backup from before it"
              .formatted(file, version, migrations.size()));
    }
    check(session, file);
    session.script("PRAGMA journal_mode = WAL");
    for (int next = version + 1; next <= migrations.size(); next++) {
      // A script makes its changes and is remembered in one transaction.
      session.script(
          "BEGIN IMMEDIATE;\n%s\nPRAGMA user_version = %d;\nCOMMIT;"
              .formatted(migrations.get(next - 1), next));
    }
  }

  static void requireOurs(Session session, Path file) throws SQLException {
    if (session.number("PRAGMA application_id") != APPLICATION) {
      throw unusable(file + " is a database of another program");
    }
  }

  private static void check(Session session, Path file) throws SQLException {
    List<String> findings =
        session.all("PRAGMA quick_check(" + FINDINGS + ")", row -> row.getString(1));
    if (!findings.equals(List.of("ok"))) {
      throw new StateException(damaged(file, String.join("; ", findings)));
    }
  }

  private static String script(int number) {
    try (InputStream script = Schema.class.getResourceAsStream(number + ".sql")) {
      if (script == null) {
        throw new IllegalStateException("migration " + number + " is missing");
      }
      return new String(script.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static StateException unusable(String why) {
    return new StateException(new StateException.Unavailable(why));
  }

  static StateException.Corrupt damaged(Path file, String finding) {
    return new StateException.Corrupt(
        "%s is damaged (%s): stop the server, move it with its -wal and -shm away, and put a backup in its place"
            .formatted(file, finding));
  }
}
