package dev.tributary.server.accounts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.record.AdapterBuildRecord.Provenance;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.Shares;
import dev.tributary.server.accounts.Generation.Attribution;
import dev.tributary.server.accounts.Generation.Share;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.ledger.LogSettings;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccountsTest {
  @TempDir private Path folder;
  private Books books;

  /// Of a database that is empty.
  String url(Path folder) {
    return Accounts.sqlite(folder.resolve("accounts.db"));
  }

  @BeforeEach
  void open() throws IOException {
    books = new Books(folder, url(folder));
  }

  @AfterEach
  void close() throws IOException {
    books.close();
  }

  @Test
  void generation_isFoundByIdWithinItsTenant() {
    long started = books.started("acme", "g1", "acme/guide", "public/haiku");
    long leaf =
        books.append(books.ended(started, "acme", "g1", 10, 20, "acme/guide", "public/haiku"));
    books.generation("other", "g2", 1, 1);
    books.follow();
    Generation found = books.accounts.generation("acme", "g1").orElseThrow();
    assertThat(found.leaf()).isEqualTo(leaf);
    assertThat(found.startedLeaf()).isEqualTo(started);
    assertThat(found.usage().prompt()).isEqualTo(10);
    assertThat(found.usage().completion()).isEqualTo(20);
    assertThat(found.adapters())
        .containsExactly(Books.use("acme/guide"), Books.use("public/haiku"));
    assertThat(found.endMicros()).isEqualTo(books.micros());
    assertThat(found.attribution()).isEmpty();
    assertThat(found.settlement()).isEmpty();
    assertThat(books.accounts.generation(leaf)).contains(found);
    assertThat(books.accounts.generation("other", "g1")).isEmpty();
    assertThat(books.accounts.generation(started)).isEmpty();
  }

  @Test
  void open_hasThoseWithoutAnEnd() {
    long first = books.started("acme", "g1");
    long second = books.started("acme", "g2");
    books.started("other", "g3");
    books.append(books.ended(second, "acme", "g2", 1, 1));
    books.follow();
    assertThat(books.accounts.open()).extracting(OpenGeneration::id).containsExactly("g1", "g3");
    assertThat(books.accounts.open().getFirst())
        .isEqualTo(new OpenGeneration(first, "g1", "acme", books.micros()));
  }

  @Test
  void attribution_theFirstOneCounts() {
    books.build("acme/guide", Provenance.TRAINED_HERE);
    long leaf = books.generation("acme", "g", 1, 1, "acme/guide");
    long first = books.attribution(leaf, "acme/guide", Map.of("ann", 600_000), 300_000);
    books.attribution(leaf, "acme/guide", Map.of("bob", 1_000_000), 0);
    assertThat(books.found(leaf).orElseThrow().attribution())
        .contains(
            new Attribution(
                first, "test-1", List.of(new Share("ann", 600_000, true)), 300_000, 100_000));
  }

  @Test
  void attribution_ofSomethingElseIsOfNoAccount() {
    long started = books.started("acme", "g");
    books.attribution(started, "acme/guide", Map.of(), 0);
    books.attribution(1_000_000, "acme/guide", Map.of(), 0);
    long leaf = books.append(books.ended(started, "acme", "g", 1, 1));
    assertThat(books.found(leaf).orElseThrow().attribution()).isEmpty();
  }

  @Test
  void unattributed_hasThoseThatNobodyLookedAt() {
    books.build("acme/guide", Provenance.TRAINED_HERE);
    long first = books.generation("acme", "g1", 1, 1, "acme/guide");
    long second = books.generation("acme", "g2", 1, 1, "acme/guide");
    long third = books.generation("other", "g3", 1, 1);
    long erased = books.generation("acme", "g4", 1, 1);
    books.attribution(second, "acme/guide", Map.of(), 0);
    books.follow();
    books.accounts.erase("acme", erased, "request");
    assertThat(books.accounts.unattributed(10)).containsExactly(first, third);
    assertThat(books.accounts.unattributed(1)).containsExactly(first);
  }

  @Test
  void build_isTheFirstOfATenantsVersion() {
    long first = books.build("acme/guide", Provenance.TRAINED_HERE);
    books.build("acme/guide", Provenance.CLAIMED);
    books.follow();
    Hash digest = Books.use("acme/guide").digest();
    assertThat(books.accounts.build("acme", digest)).hasValue(first);
    assertThat(books.accounts.build("acm", digest)).isEmpty();
    assertThatThrownBy(() -> books.ledger.erase(List.of(first), "acme", "request"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void attribution_thatIsNoWholeIsNotSealed() {
    books.build("acme/guide", Provenance.TRAINED_HERE);
    long leaf = books.generation("acme", "g", 1, 1, "acme/guide");
    AttributionRecord record =
        new AttributionRecord(
            new AttributionRecord.Open(
                books.hour(), leaf, "test-1", new Shares(List.of(), 400_000, 500_000)),
            List.of(),
            List.of(),
            new byte[0]);
    assertThatThrownBy(() -> books.append(record)).hasMessageContaining("900000");
  }

  @Test
  void attribution_ofManyContributorsIsWhole() {
    books.build("acme/guide", Provenance.TRAINED_HERE);
    long leaf = books.generation("acme", "g", 1, 1, "acme/guide");
    Map<String, Integer> many = new LinkedHashMap<>();
    for (int i = 0; i < 8_000; i++) {
      many.put("contributor " + i, 100);
    }
    long attribution = books.attribution(leaf, "acme/guide", many, 0);
    assertThat(books.ledger.entry(attribution).leaves()).hasSizeGreaterThan(2);
    assertThat(books.found(leaf).orElseThrow().attribution().orElseThrow().shares())
        .hasSize(8_000)
        .endsWith(new Share("contributor 7999", 100, true));
  }

  @Test
  void share_isPaidOnlyForABuildThatIsNoClaimAndCameBefore() {
    books.build("acme/ours", Provenance.REPRODUCED);
    books.build("acme/claimed", Provenance.CLAIMED);
    String[] adapters = {"acme/ours", "acme/claimed", "acme/late"};
    long leaf = books.generation("acme", "g", 1, 1, adapters);
    books.build("acme/late", Provenance.TRAINED_HERE);
    List<Shares.Share> shares = new ArrayList<>();
    List<String> names = List.of("ann", "bob", "eve");
    for (int i = 0; i < 3; i++) {
      shares.addAll(Books.shares(adapters[i], Map.of(names.get(i), 300_000), 0).shares());
    }
    books.append(
        new AttributionRecord(
            new AttributionRecord.Open(
                books.hour(), leaf, "test-1", new Shares(shares, 0, 100_000)),
            names,
            List.of(),
            new byte[0]));
    assertThat(books.found(leaf).orElseThrow().attribution().orElseThrow().shares())
        .containsExactly(
            new Share("ann", 300_000, true),
            new Share("bob", 300_000, false),
            new Share("eve", 300_000, false));
  }

  @Test
  void correction_takesThePlaceOfWhatCounts() {
    books.build("acme/guide", Provenance.TRAINED_HERE);
    long leaf = books.generation("acme", "g", 1, 1, "acme/guide");
    long first = books.attribution(leaf, "acme/guide", Map.of("ann", 600_000), 0);
    long stale = books.attribution(leaf, "acme/guide", Map.of("bob", 600_000), 0);
    long good = books.correction(leaf, first, "acme/guide", Map.of("eve", 500_000), 0);
    books.correction(leaf, first, "acme/guide", Map.of("bob", 400_000), 0);
    books.correction(leaf, stale, "acme/guide", Map.of("bob", 300_000), 0);
    assertThat(books.found(leaf).orElseThrow().attribution().orElseThrow())
        .isEqualTo(
            new Attribution(
                good, "correction", List.of(new Share("eve", 500_000, true)), 0, 500_000));
  }

  @Test
  void generations_arePagedNewestFirst() {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 25; i++) {
      ids.addFirst("g" + i);
      books.generation("acme", "g" + i, 1, 1);
      books.generation("other", "x" + i, 1, 1);
      if (i % 3 == 0) {
        books.time.advance(Duration.ofMillis(1));
      }
    }
    books.follow();
    List<String> found = new ArrayList<>();
    GenerationQuery query = GenerationQuery.of("acme", 7);
    List<Generation> page = books.accounts.generations(query);
    while (!page.isEmpty()) {
      page.forEach(generation -> found.add(generation.id()));
      page = books.accounts.generations(query.after(page.getLast()));
    }
    assertThat(found).isEqualTo(ids);
  }

  @Test
  void generations_areFilteredByTimeAdapterAndContributor() {
    books.build("acme/guide", Provenance.TRAINED_HERE);
    long from = books.micros();
    long first = books.generation("acme", "g1", 1, 1, "acme/guide");
    books.attribution(first, "acme/guide", Map.of("ann", 1_000), 0);
    long second = books.generation("acme", "g2", 1, 1, "acme/guide");
    long replaced = books.attribution(second, "acme/guide", Map.of("ann", 1_000), 0);
    books.correction(second, replaced, "acme/guide", Map.of("bob", 1_000), 0);
    books.generation("acme", "g3", 1, 1);
    books.time.advance(Duration.ofSeconds(1));
    books.generation("acme", "g4", 1, 1, "acme/guide");
    books.follow();
    assertThat(ids(from, from + 1, Optional.empty(), Optional.empty()))
        .containsExactly("g3", "g2", "g1");
    assertThat(ids(from, from + 1, Optional.of("acme/guide"), Optional.empty()))
        .containsExactly("g2", "g1");
    assertThat(ids(from, Long.MAX_VALUE, Optional.of("acme/guide"), Optional.empty()))
        .containsExactly("g4", "g2", "g1");
    assertThat(ids(0, Long.MAX_VALUE, Optional.empty(), Optional.of("ann"))).containsExactly("g1");
    assertThat(ids(0, Long.MAX_VALUE, Optional.of("acme/guide"), Optional.of("bob")))
        .containsExactly("g2");
  }

  private List<String> ids(
      long from, long to, Optional<String> adapter, Optional<String> contributor) {
    return books
        .accounts
        .generations(
            new GenerationQuery("acme", from, to, adapter, contributor, Optional.empty(), 10))
        .stream()
        .map(Generation::id)
        .toList();
  }

  @Test
  void erasedGeneration_isNotFound() {
    books.build("acme/guide", Provenance.TRAINED_HERE);
    long leaf = books.generation("acme", "g", 1, 1, "acme/guide");
    long attribution = books.attribution(leaf, "acme/guide", Map.of("ann", 1_000), 0);
    books.follow();
    books.ledger.erase(List.of(attribution, leaf), "acme", "request");
    assertThat(books.found(leaf)).isEmpty();
    assertThat(books.accounts.generation("acme", "g")).isEmpty();
    assertThat(books.accounts.generations(GenerationQuery.of("acme", 10))).isEmpty();
    assertThat(books.ledger.erased(leaf)).isTrue();
    assertThat(books.ledger.record(leaf)).isEmpty();
  }

  @Test
  void open_goesOnWhereItWas() {
    books.generation("acme", "g1", 1, 1);
    books.follow();
    long followed = books.accounts.followed();
    books.accounts.close();
    long leaf = books.generation("acme", "g2", 1, 1);
    books.accounts = Accounts.open(books.url(), books.ledger, books.time);
    assertThat(books.accounts.followed()).isEqualTo(followed);
    books.accounts.follow();
    assertThat(books.found(leaf)).isPresent();
  }

  @Test
  void open_startsOverWhereTheLogIsAnother() throws IOException {
    books.generation("acme", "g1", 1, 1);
    books.generation("acme", "g2", 1, 1);
    books.follow();
    books.accounts.close();
    try (Ledger other =
        Ledger.open(LogSettings.of(folder.resolve("again"), Books.KEY), books.time)) {
      try (Accounts accounts = Accounts.open(books.url(), other, books.time)) {
        assertThat(accounts.followed()).isZero();
        assertThat(accounts.generation("acme", "g1")).isEmpty();
      }
    }
    SigningKey key = SigningKey.generate("other.example/log", new SecureRandom());
    try (Ledger other = Ledger.open(LogSettings.of(folder.resolve("other"), key), books.time)) {
      assertThatThrownBy(() -> Accounts.open(books.url(), other, books.time))
          .isInstanceOf(AccountsException.class)
          .hasMessageContaining("test.example/log");
    }
  }

  @Test
  void open_refusesOtherDatabases() {
    assertThatThrownBy(() -> Accounts.open("jdbc:mysql://x/y", books.ledger, books.time))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
