package dev.tributary.server.state;

import static dev.tributary.server.state.Samples.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SchemaTest {
  private static final String FIRST =
      "PRAGMA application_id = 1414678850; CREATE TABLE t (a TEXT) STRICT;"
          + " INSERT INTO t VALUES ('first');";
  private static final String SECOND =
      "ALTER TABLE t ADD COLUMN b TEXT; UPDATE t SET b = a || '!'; -- ends in a comment";

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("state.db");
  }

  private Database open(String... migrations) {
    return Database.open(file, new Schema(List.of(migrations)));
  }

  private static long version(Database database) {
    return database.read(session -> session.number("PRAGMA user_version"));
  }

  private static List<String> texts(Database database, String sql) {
    return database.read(session -> session.all(sql, row -> row.getString(1)));
  }

  @Test
  void current_makesANewFile() {
    try (Database made = Database.open(file, Schema.current())) {
      assertThat(version(made)).isEqualTo(4);
      assertThat(texts(made, "PRAGMA foreign_keys")).containsExactly("1");
      assertThat(texts(made, "PRAGMA journal_mode")).containsExactly("wal");
      long synchronous = made.write(session -> session.number("PRAGMA synchronous"));
      // FULL.
      assertThat(synchronous).isEqualTo(2);
    }
  }

  @Test
  void migrations_runOnce_andKeepWhatIsThere() {
    open(FIRST).close();
    for (int i = 0; i < 2; i++) {
      try (Database migrated = open(FIRST, SECOND)) {
        assertThat(version(migrated)).isEqualTo(2);
        assertThat(texts(migrated, "SELECT b FROM t")).containsExactly("first!");
      }
    }
  }

  @Test
  void migration_thatFails_changesNothing() {
    open(FIRST).close();
    assertThatThrownBy(() -> open(FIRST, "DELETE FROM t; INSERT INTO none VALUES (1);"))
        .hasMessageContaining("no such table: none");
    try (Database before = open(FIRST)) {
      assertThat(version(before)).isEqualTo(1);
      assertThat(texts(before, "SELECT a FROM t")).containsExactly("first");
    }
  }

  @Test
  void newerFile_isRefused_namingBothVersions() {
    open(FIRST, SECOND).close();
    StateException.Reason refusal = refusal(() -> open(FIRST));
    assertThat(refusal).isInstanceOf(StateException.Unavailable.class);
    assertThat(refusal.message()).contains("schema 2").contains("knows 1");
    open(FIRST, SECOND).close();
  }

  @Test
  void fileOfAnotherProgram_isRefused_unchanged() throws Exception {
    try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = other.createStatement()) {
      statement.executeUpdate("CREATE TABLE bookmarks (url TEXT)");
    }
    assertThat(refusal(() -> Database.open(file, Schema.current())).message())
        .contains("another program");
    try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = other.createStatement()) {
      assertThat(statement.executeQuery("PRAGMA journal_mode").getString(1)).isEqualTo("delete");
    }
  }
}
