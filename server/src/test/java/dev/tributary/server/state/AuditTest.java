package dev.tributary.server.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditTest {
  private static final Instant AT = Instant.ofEpochMilli(1_234);

  @TempDir Path folder;
  private Database database;
  private Audit audit;

  @BeforeEach
  void open() {
    database = Database.open(folder.resolve("state.db"), Schema.current());
    audit = new Audit(database);
  }

  @AfterEach
  void close() {
    database.close();
  }

  private AuditEntry append(String action) {
    return audit.append(AT, "key", "acme", action, "subject", "OK", "detail");
  }

  @Test
  void list_pagesNewestFirst_acrossRestarts() {
    AuditEntry first = append("CreateTenant");
    AuditEntry second = append("CreateKey");
    AuditEntry third = append("DeleteTenant");
    assertThat(first)
        .isEqualTo(new AuditEntry(1, AT, "key", "acme", "CreateTenant", "subject", "OK", "detail"));
    close();
    open();
    assertThat(audit.list(Long.MAX_VALUE, 2)).containsExactly(third, second);
    assertThat(audit.list(second.number(), 2)).containsExactly(first);
    assertThat(append("more").number()).isEqualTo(4);
  }

  @Test
  void append_keepsTheStartOfLongTexts() {
    AuditEntry entry = append("x".repeat(5_000));
    assertThat(entry.action()).hasSize(1_000);
  }

  @Test
  void lines_cantBeChangedOrDeleted() {
    AuditEntry entry = append("CreateTenant");
    for (String sql :
        new String[] {
          "UPDATE audit SET actor = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE seq = 1"
        }) {
      assertThatThrownBy(() -> database.change(session -> session.run(sql)))
          .hasMessageContaining("append-only");
    }
    assertThat(audit.list(Long.MAX_VALUE, 10)).containsExactly(entry);
  }
}
