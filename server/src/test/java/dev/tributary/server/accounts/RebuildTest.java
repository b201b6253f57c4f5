package dev.tributary.server.accounts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.record.AdapterBuildRecord.Provenance;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The accounts made anew are the accounts, row by row.
class RebuildTest {
  private static final List<String> TENANTS = List.of("acme", "other");
  private static final List<String> ADAPTERS = List.of("acme/guide", "acme/claimed", "public/x");
  private static final List<String> CONTRIBUTORS = List.of("ann", "bob", "eve", "ann");

  @TempDir private Path folder;

  /// Leaves that later steps are about.
  private final List<Long> generations = new ArrayList<>();

  private final List<Long> others = new ArrayList<>();
  private final Map<Long, String> open = new HashMap<>();

  /// Of a database that is empty.
  String url(Path folder) {
    return Accounts.sqlite(folder.resolveSibling(folder.getFileName() + ".db"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void rebuilt_isTheSame(long seed) throws IOException, SQLException {
    Random random = new Random(seed);
    try (Books books = new Books(folder, url(folder))) {
      for (int step = 0; step < 500; step++) {
        step(books, random);
        if (random.nextInt(60) == 0) {
          books.reopen();
        }
      }
      books.follow();
      Map<String, List<String>> rows = Rows.of(books.url());
      String url = url(folder.resolve("again"));
      try (Accounts again = Accounts.open(url, books.ledger, books.time)) {
        again.follow();
        assertThat(again.awaitUpTo(books.accounts.followed() - 1, Duration.ofMinutes(1))).isTrue();
        Rows.of(url).forEach((table, all) -> assertThat(rows.get(table)).as(table).isEqualTo(all));
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  private void step(Books books, Random random) {
    String tenant = pick(TENANTS, random);
    String adapter = pick(ADAPTERS, random);
    switch (random.nextInt(16)) {
      case 0 -> books.build(adapter, pick(List.of(Provenance.values()), random));
      case 1 -> open.put(books.started(tenant, "open" + open.size(), adapter), tenant);
      case 2 -> books.price(random.nextBoolean() ? "" : tenant, random.nextInt(900), 777, 300_000);
      case 3, 4, 5 ->
          generations.add(
              books.generation(
                  tenant,
                  "g" + generations.size(),
                  random.nextInt(99),
                  random.nextInt(99),
                  adapter));
      case 6, 7, 8 -> attribute(books, random, adapter);
      case 9 -> correct(books, random, adapter);
      case 10 -> others.add(books.audit(any(generations, random)));
      case 11 -> erase(books, random);
      case 12 -> end(books);
      case 13 -> settle(books);
      case 14 -> rotate(books, random);
      default -> books.time.advance(Duration.ofMinutes(random.nextInt(90)));
    }
  }

  private void attribute(Books books, Random random, String adapter) {
    Map<String, Integer> ppm = new HashMap<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      ppm.put(pick(CONTRIBUTORS, random), 1 + random.nextInt(300_000));
    }
    others.add(books.attribution(any(generations, random), adapter, ppm, random.nextInt(100_000)));
  }

  private void correct(Books books, Random random, String adapter) {
    long leaf = any(generations, random);
    long replaced =
        books
            .found(leaf)
            .flatMap(Generation::attribution)
            .map(Generation.Attribution::leaf)
            .orElse(any(others, random));
    others.add(books.correction(leaf, replaced, adapter, Map.of("eve", 5_000), 0));
  }

  /// Sometimes before the accounts have followed.
  private void erase(Books books, Random random) {
    if (random.nextInt(4) > 0) {
      List<Long> from = random.nextBoolean() ? List.copyOf(open.keySet()) : others;
      if (!from.isEmpty()) {
        books.ledger.erase(List.of(pick(from, random), pick(from, random)), "acme", "request");
      }
      return;
    }
    long leaf = any(generations, random);
    Optional<Generation> found = books.found(leaf);
    if (found.isPresent() && found.get().settlement().isPresent()) {
      books.accounts.erase(found.get().tenant(), leaf, "request");
    } else {
      books.accounts.expire(pick(TENANTS, random), books.micros() - 36_000_000_000L);
    }
  }

  private void end(Books books) {
    if (!open.isEmpty()) {
      Map.Entry<Long, String> one = open.entrySet().iterator().next();
      generations.add(books.append(books.ended(one.getKey(), one.getValue(), "late", 1, 2)));
      open.remove(one.getKey());
    }
  }

  private void settle(Books books) {
    books.follow();
    List<Settlement> before = books.accounts.settlements(0, books.hour());
    if (!books.accounts.priceRules().isEmpty()
        && (before.isEmpty() || before.getLast().toHour() < books.hour())) {
      long leaf = books.accounts.settle(books.hour());
      Settlement settled = books.accounts.settlement(leaf).orElseThrow();
      assertThat(books.accounts.recompute(settled)).isEqualTo(new Settlement.Recomputed(0, true));
    }
  }

  private static void rotate(Books books, Random random) {
    if (random.nextInt(5) == 0 && books.ledger.log().durable() > 0) {
      books.ledger.log().covering(books.ledger.log().durable() - 1).join();
      books.ledger.log().rotate(SigningKey.generate(Books.KEY.name(), new SecureRandom())).join();
    }
  }

  private static <T> T pick(List<T> from, Random random) {
    return from.get(random.nextInt(from.size()));
  }

  /// No leaf's where there is none.
  private static long any(List<Long> from, Random random) {
    return from.isEmpty() ? 9_999_999 : pick(from, random);
  }
}
