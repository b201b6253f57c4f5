package dev.tributary.server.state;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;

/// The tables, as numbered migrations: resources `1.sql`, `2.sql` and so on, of which the file
/// remembers the last in `user_version`. A migration that was released is never edited.
final class Schema {
  /// The newest migration.
  static final int VERSION = 1;

  /// What SQLite keeps in the file's header to say whose it is: "TRIB".
  static final int APPLICATION = 0x5452_4942;

  /// Findings of the check that a message repeats.
  private static final int FINDINGS = 3;

  private Schema() {}

  /// Checks a file before anything of it is changed, and brings it to [#VERSION].
  static void prepare(Session session, Path file) throws SQLException {
    long version = session.number("PRAGMA user_version");
    boolean blank = session.number("SELECT count(*) FROM sqlite_schema") == 0;
    if (!blank && session.number("PRAGMA application_id") != APPLICATION) {
      throw new StateException(
          new StateException.Unavailable(file + " is a database of another program"));
    }
    if (version > VERSION) {
      throw new StateException(
          new StateException.Unavailable(
              "%s has schema %d, this server knows %d: use the newer server, or a backup from before it"
                  .formatted(file, version, VERSION)));
    }
    check(session, file);
    session.script("PRAGMA journal_mode = WAL");
    for (int next = (int) version + 1; next <= VERSION; next++) {
      session.script(migration(next));
    }
  }

  private static void check(Session session, Path file) throws SQLException {
    List<String> findings =
        session.all("PRAGMA quick_check(" + FINDINGS + ")", row -> row.getString(1));
    if (!findings.equals(List.of("ok"))) {
      throw new StateException(damaged(file, String.join("; ", findings)));
    }
  }

  /// A script that makes the change and remembers it in one transaction.
  private static String migration(int number) {
    try (InputStream script = Schema.class.getResourceAsStream(number + ".sql")) {
      if (script == null) {
        throw new IllegalStateException("migration " + number + " is missing");
      }
      return "BEGIN IMMEDIATE;\n"
          + new String(script.readAllBytes(), UTF_8)
          + "PRAGMA user_version = "
          + number
          + ";\nCOMMIT;";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static StateException.Corrupt damaged(Path file, String finding) {
    return new StateException.Corrupt(
        "%s is damaged (%s): stop the server, move it with its -wal and -shm away, and put a backup in its place"
            .formatted(file, finding));
  }
}
