package dev.tributary.server.accounts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.record.AdapterBuildRecord.Provenance;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.ledger.LogSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// All that holds on SQLite holds on PostgreSQL.
class PostgresTest {
  private static Postgres server;

  @TempDir private Path folder;

  @BeforeAll
  static void start() throws IOException {
    server = Postgres.start();
  }

  @AfterAll
  static void stop() throws IOException {
    if (server != null) {
      server.close();
    }
  }

  @Nested
  class OnPostgres extends AccountsTest {
    @Override
    String url(Path folder) {
      return server.database();
    }
  }

  @Nested
  class SettledOnPostgres extends SettlementTest {
    @Override
    String url(Path folder) {
      return server.database();
    }
  }

  @Nested
  class RebuiltOnPostgres extends RebuildTest {
    @Override
    String url(Path folder) {
      return server.database();
    }
  }

  @Test
  void rows_areThoseOfSqlite() throws IOException, SQLException, InterruptedException {
    try (Books books = new Books(folder)) {
      books.build("acme/guide", Provenance.TRAINED_HERE);
      books.price("", 3_000_000, 5_000_000, 700_000);
      for (int i = 0; i < 50; i++) {
        long leaf = books.generation("acme", "g" + i, i, 7, "acme/guide");
        books.attribution(leaf, "acme/guide", Map.of("ann", 1 + i, "Zoë", 7_000), 0);
      }
      books.time.advance(Duration.ofHours(1));
      books.accounts.settle(books.hour());
      Map<String, List<String>> rows = Rows.of(books.url());
      String url = server.database();
      try (Accounts accounts = Accounts.open(url, books.ledger, books.time)) {
        accounts.follow();
        assertThat(accounts.awaitUpTo(books.accounts.followed() - 1, Duration.ofMinutes(1)))
            .isTrue();
        assertThat(Rows.of(url)).isEqualTo(rows);
      }
    }
  }

  @Test
  void accounts_areWrittenByOneAlone() throws IOException {
    String url = server.database();
    try (Books books = new Books(folder, url);
        Ledger other =
            Ledger.open(LogSettings.of(folder.resolve("other"), Books.KEY), books.time)) {
      assertThatThrownBy(() -> Accounts.open(url, other, books.time))
          .isInstanceOf(AccountsException.class)
          .hasMessageContaining("another process");
    }
  }

  @Test
  void accounts_goOnWhenTheServerIsStartedAgain() throws IOException, InterruptedException {
    try (Books books = new Books(folder, server.database())) {
      long before = books.generation("acme", "before", 1, 1);
      assertThat(books.found(before)).isPresent();
      server.control("stop");
      long after = books.generation("acme", "after", 1, 1);
      assertThatThrownBy(() -> books.accounts.awaitUpTo(after, Duration.ofMinutes(1)))
          .isInstanceOf(AccountsException.class);
      server.control("start");
      Generation found = null;
      while (found == null) {
        try {
          books.accounts.awaitUpTo(after, Duration.ofMinutes(1));
          found = books.accounts.generation(after).orElseThrow();
        } catch (AccountsException e) {
          Thread.onSpinWait(); // not noticed yet that the server is there again
        }
      }
      assertThat(found.id()).isEqualTo("after");
      assertThat(books.accounts.generation(before)).isPresent();
    }
  }
}
