package dev.tributary.server.accounts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterBuildRecord.Provenance;
import dev.tributary.record.AdapterUse;
import dev.tributary.record.ErasureRecord;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.SettlementRecord;
import dev.tributary.record.SettlementRecord.Line;
import dev.tributary.server.accounts.Settlement.Recomputed;
import dev.tributary.server.accounts.Statement.LineProof;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettlementTest {
  private static final String GUIDE = "acme/guide";
  private static final Hash DIGEST = Books.use(GUIDE).digest();

  @TempDir private Path folder;
  private Books books;

  /// Of a database that is empty.
  String url(Path folder) {
    return Accounts.sqlite(folder.resolve("accounts.db"));
  }

  @BeforeEach
  void open() throws IOException {
    books = new Books(folder, url(folder));
    books.build(GUIDE, Provenance.TRAINED_HERE);
  }

  @AfterEach
  void close() throws IOException {
    books.close();
  }

  /// One unit per million tokens, so a token is a millionth; the contributors have it all.
  private void priceAll() {
    books.price("", 1_000_000, 1_000_000, 1_000_000);
  }

  /// The contributors' generation of 100 tokens.
  private long generation(Map<String, Integer> ppm) {
    long leaf = books.generation("acme", "g" + books.ledger.log().durable(), 60, 40, GUIDE);
    books.attribution(leaf, GUIDE, ppm, 0);
    return leaf;
  }

  private Settlement settle() {
    books.time.advance(Duration.ofHours(1));
    long leaf = books.accounts.settle(books.hour());
    return books.accounts.settlement(leaf).orElseThrow();
  }

  @Test
  void settle_creditsSharesAndHoldsTheRest() {
    priceAll();
    generation(Map.of("ann", 500_000));
    generation(Map.of("ann", 100_000, "bob", 200_000));
    books.generation("acme", "nobody said whose", 100, 0, GUIDE);
    Settlement settled = settle();
    assertThat(settled.fees()).isEqualTo(300);
    assertThat(settled.credited()).isEqualTo(80);
    assertThat(settled.unattributed()).isEqualTo(220);
    assertThat(settled.lines())
        .containsExactly(
            new Line("acme", "ann", DIGEST, 2, 600_000, 60),
            new Line("acme", "bob", DIGEST, 1, 200_000, 20));
    assertThat(books.accounts.balance("acme", "ann")).isEqualTo(60);
    assertThat(books.accounts.balance("acme", "eve")).isZero();
    assertThat(books.accounts.recompute(settled)).isEqualTo(new Recomputed(0, true));
    assertThat(books.ledger.entry(settled.leaf()).record().orElseThrow())
        .isInstanceOfSatisfying(
            SettlementRecord.class,
            record -> assertThat(record.open().unattributed()).isEqualTo(220));
  }

  @Test
  void settle_leavesTheOperatorWhatTheRuleSaysWhateverTheShares() {
    books.price("", 1_000_000, 1_000_000, 300_000);
    generation(Map.of("ann", 500_000));
    long base = books.generation("acme", "base", 100, 0, GUIDE);
    books.attribution(base, GUIDE, Map.of(), 1_000_000);
    Settlement settled = settle();
    assertThat(settled.fees()).isEqualTo(200);
    assertThat(settled.credited()).isEqualTo(15);
    assertThat(settled.unattributed()).isEqualTo(45);
  }

  @Test
  void settle_takesEachGenerationOnce() {
    priceAll();
    long first = generation(Map.of("ann", 1_000_000));
    Settlement before = settle();
    long second = generation(Map.of("ann", 500_000));
    Settlement after = settle();
    assertThat(after.firstLeaf()).isEqualTo(before.lastLeaf() + 1);
    assertThat(after.fromHour()).isEqualTo(before.toHour());
    assertThat(after.lines()).containsExactly(new Line("acme", "ann", DIGEST, 1, 500_000, 50));
    assertThat(books.found(first).orElseThrow().settlement()).hasValue(before.leaf());
    assertThat(books.found(second).orElseThrow().settlement()).hasValue(after.leaf());
    assertThat(books.accounts.balance("acme", "ann")).isEqualTo(150);
    assertThat(books.accounts.settlements(before.fromHour(), after.toHour()))
        .containsExactly(before, after);
  }

  @Test
  void settle_leavesTheHourThatIsNotOver() {
    priceAll();
    generation(Map.of("ann", 1_000_000));
    books.time.advance(Duration.ofHours(1));
    long later = generation(Map.of("ann", 1_000_000));
    long leaf = books.accounts.settle(books.hour());
    assertThat(books.accounts.settlement(leaf).orElseThrow().fees()).isEqualTo(100);
    assertThat(books.found(later).orElseThrow().settlement()).isEmpty();
    assertThat(settle().fees()).isEqualTo(100);
  }

  @Test
  void settle_refusesPeriodsThatAreNone() {
    assertThatThrownBy(() -> books.accounts.settle(books.hour()))
        .isInstanceOf(AccountsException.class)
        .hasMessageContaining("no price rule");
    priceAll();
    assertThatThrownBy(() -> books.accounts.settle(books.hour() + 1))
        .isInstanceOf(AccountsException.class);
    books.accounts.settle(books.hour());
    assertThatThrownBy(() -> books.accounts.settle(books.hour()))
        .isInstanceOf(AccountsException.class);
  }

  @Test
  void auditsAndSecondAttributions_earnNothing() {
    priceAll();
    long leaf = generation(Map.of("ann", 500_000));
    for (int i = 0; i < 5; i++) {
      books.audit(leaf);
      books.attribution(leaf, GUIDE, Map.of("bob", 1_000_000), 0);
    }
    Settlement settled = settle();
    assertThat(settled.fees()).isEqualTo(100);
    assertThat(settled.lines()).containsExactly(new Line("acme", "ann", DIGEST, 1, 500_000, 50));
  }

  @Test
  void attributionAfterTheClosing_earnsNothing() {
    priceAll();
    long leaf = books.generation("acme", "late", 100, 0, GUIDE);
    Settlement settled = settle();
    books.attribution(leaf, GUIDE, Map.of("ann", 1_000_000), 0);
    books.follow();
    assertThat(settled.unattributed()).isEqualTo(100);
    assertThat(settle().credited()).isZero();
    assertThat(books.accounts.recompute(settled)).isEqualTo(new Recomputed(0, true));
    assertThat(books.found(leaf).orElseThrow().attribution()).isPresent();
  }

  @Test
  void claimedVersions_arePaidNothing() {
    books.build("acme/claimed", Provenance.CLAIMED);
    priceAll();
    long leaf = books.generation("acme", "g", 100, 0, "acme/claimed");
    books.attribution(leaf, "acme/claimed", Map.of("ann", 1_000_000), 0);
    Settlement settled = settle();
    assertThat(settled.lines()).isEmpty();
    assertThat(settled.unattributed()).isEqualTo(100);
  }

  @Test
  void otherMethodsThanTheBuildFixed_payNothing() {
    priceAll();
    for (String method : List.of("test-2", "correction", "")) {
      long leaf = books.generation("acme", "g", 100, 0, GUIDE);
      books.attribution(leaf, method, GUIDE, Map.of("ann", 1_000_000), 0);
    }
    Settlement settled = settle();
    assertThat(settled.lines()).isEmpty();
    assertThat(settled.unattributed()).isEqualTo(300);
  }

  @Test
  void correct_countsUntilTheClosing() {
    priceAll();
    long leaf = generation(Map.of("ann", 1_000_000));
    books.follow();
    books.accounts.correct(leaf, List.of(new CorrectedShare("bob", GUIDE, 400_000)), 0, "squat");
    books.accounts.correct(
        leaf,
        List.of(new CorrectedShare("bob", GUIDE, 300_000), new CorrectedShare("eve", GUIDE, 1_000)),
        600_000,
        "more");
    Settlement settled = settle();
    assertThat(settled.lines())
        .containsExactly(
            new Line("acme", "bob", DIGEST, 1, 300_000, 30),
            new Line("acme", "eve", DIGEST, 1, 1_000, 0));
    assertThat(settled.unattributed()).isEqualTo(70);
    assertThatThrownBy(() -> books.accounts.correct(leaf, List.of(), 0, "too late"))
        .isInstanceOf(AccountsException.class)
        .hasMessageContaining("settled");
  }

  @Test
  void correct_refusesWhatDoesNotFit() {
    priceAll();
    long leaf = generation(Map.of("ann", 1_000_000));
    long bare = books.generation("acme", "bare", 1, 1, GUIDE);
    for (List<CorrectedShare> shares :
        List.of(
            List.of(new CorrectedShare("bob", GUIDE, 1_000_001)),
            List.of(new CorrectedShare("bob", "acme/other", 1)))) {
      assertThatThrownBy(() -> books.accounts.correct(leaf, shares, 0, ""))
          .isInstanceOf(AccountsException.class);
    }
    assertThatThrownBy(() -> books.accounts.correct(bare, List.of(), 0, ""))
        .isInstanceOf(AccountsException.class);
    assertThatThrownBy(() -> books.accounts.correct(0, List.of(), 0, ""))
        .isInstanceOf(AccountsException.class);
  }

  @Test
  void price_precedesWhatItPrices() {
    long before = generation(Map.of("ann", 1_000_000));
    priceAll();
    generation(Map.of("ann", 1_000_000));
    books.price("acme", 2_000_000, 2_000_000, 500_000);
    generation(Map.of("ann", 1_000_000));
    long other = books.generation("other", "x", 100, 0, GUIDE);
    Settlement settled = settle();
    assertThat(settled.fees()).isEqualTo(100 + 200 + 100);
    assertThat(settled.lines()).containsExactly(new Line("acme", "ann", DIGEST, 2, 2_000_000, 200));
    assertThat(settled.unattributed()).isEqualTo(100);
    assertThat(books.found(before).orElseThrow().settlement()).hasValue(settled.leaf());
    assertThat(books.found(other).orElseThrow().settlement()).hasValue(settled.leaf());
  }

  @Test
  void price_refusesThePastAndOtherCurrencies() {
    assertThatThrownBy(() -> books.accounts.price(rule(books.hour(), "EUR", 1)))
        .isInstanceOf(AccountsException.class)
        .hasMessageContaining("later hour");
    books.accounts.price(rule(books.hour() + 1, "EUR", 1));
    assertThatThrownBy(() -> books.accounts.price(rule(books.hour() + 1, "USD", 1)))
        .hasMessageContaining("EUR");
    assertThatThrownBy(() -> books.accounts.price(rule(books.hour() + 1, "EUR", Long.MAX_VALUE)))
        .isInstanceOf(AccountsException.class);
    assertThat(books.accounts.priceRules()).hasSize(1);
  }

  private static PriceRuleRecord rule(long hour, String currency, long micros) {
    return new PriceRuleRecord(
        new PriceRuleRecord.Open(hour, currency, micros, micros, 500_000), "", "");
  }

  @Test
  void statement_showsSettledAndOpenWithProofs() {
    priceAll();
    long from = books.hour();
    generation(Map.of("ann", 250_000, "bob", 100_000));
    generation(Map.of("eve", 250_000, "ann", 50_000));
    Settlement settled = settle();
    generation(Map.of("ann", 10_000));
    books.follow();
    Statement statement = books.accounts.statement("ann", from, books.hour() + 1);
    assertThat(statement.currency()).isEqualTo("EUR");
    assertThat(statement.lines())
        .containsExactly(
            new Statement.Line(GUIDE, 1, DIGEST, 2, 300_000, 30, true),
            new Statement.Line(GUIDE, 1, DIGEST, 1, 10_000, 1, false));
    assertThat(statement.micros()).isEqualTo(31);
    assertThat(statement.settlement()).as("some of it is open").isEmpty();
    assertThat(books.accounts.statement("ann", from, books.hour()).settlement())
        .hasValue(settled.leaf());
    LineProof proof = statement.proofs().getFirst();
    SettlementRecord.Open open =
        SettlementRecord.Open.of(books.ledger.entry(proof.settlement()).leaves());
    assertThat(Line.of(proof.line())).isEqualTo(new Line("acme", "ann", DIGEST, 2, 300_000, 30));
    assertThat(
            Merkle.included(
                Merkle.leaf(proof.line().commitment().bytes()),
                proof.position(),
                proof.lines(),
                proof.path(),
                open.lines()))
        .isTrue();
    assertThat(books.accounts.statement("mallory", from, books.hour() + 1).lines()).isEmpty();
  }

  @Test
  void erase_waitsForTheSettlement() {
    priceAll();
    long leaf = generation(Map.of("ann", 1_000_000));
    books.follow();
    assertThatThrownBy(() -> books.accounts.erase("acme", leaf, "request"))
        .isInstanceOf(AccountsException.class)
        .hasMessageContaining("not settled");
    assertThat(books.accounts.expire("acme", Long.MAX_VALUE)).isZero();
    Settlement settled = settle();
    assertThatThrownBy(() -> books.accounts.erase("other", leaf, "request"))
        .isInstanceOf(AccountsException.class);
    books.accounts.erase("acme", leaf, "request");
    assertThat(books.accounts.generation(leaf)).isEmpty();
    assertThat(books.accounts.balance("acme", "ann")).isEqualTo(100);
    assertThat(books.accounts.recompute(settled)).isEqualTo(new Recomputed(1, false));
  }

  @Test
  void whatIsSaidOfAnErasedGeneration_isErasedToo() {
    long leaf = books.generation("acme", "g", 1, 1, GUIDE);
    long kept = books.generation("acme", "kept", 1, 1, GUIDE);
    books.accounts.erase("acme", leaf, "the request of a person");
    long attribution = books.attribution(leaf, GUIDE, Map.of("ann", 5), 0);
    long correction = books.correction(leaf, attribution, GUIDE, Map.of("bob", 5), 0);
    long audit = books.audit(leaf);
    long other = books.attribution(kept, GUIDE, Map.of("ann", 5), 0);
    books.follow();
    assertThat(books.ledger.erased(attribution)).isFalse();
    assertThat(books.accounts.eraseLeftovers()).isEqualTo(3);
    for (long said : List.of(attribution, correction, audit)) {
      assertThat(books.ledger.erased(said)).isTrue();
    }
    assertThat(books.ledger.erased(other)).isFalse();
    assertThat(books.ledger.entry(books.ledger.log().durable() - 1).record().orElseThrow())
        .isInstanceOfSatisfying(
            ErasureRecord.class,
            record -> {
              assertThat(record.tenant()).isEqualTo("acme");
              assertThat(record.cause()).isEqualTo("the request of a person");
            });
    books.reopen();
    assertThat(books.accounts.eraseLeftovers()).isZero();
  }

  /// One build is recorded for each tenant's files, whatever they are called.
  @Test
  void otherNamesAndNumbersOfTheSameFiles_arePaidToo() {
    priceAll();
    long started = books.started("acme", "g", GUIDE);
    AdapterUse use = new AdapterUse("acme/renamed", 7, DIGEST, 1);
    long generation = books.append(books.ended(started, "acme", "g", 60, 40, List.of(use)));
    books.attribution(generation, GUIDE, Map.of("ann", 500_000), 0);
    assertThat(settle().lines()).containsExactly(new Line("acme", "ann", DIGEST, 1, 500_000, 50));
  }

  /// Each tenant gives its contributors their names, and anybody can upload the same bytes.
  @Test
  void contributorsOfTwoTenantsWithTheSameVersion_areApart() {
    String copy = "bolt/copy";
    books.append(
        new AdapterBuildRecord(
            new AdapterBuildRecord.Open(
                books.hour(),
                DIGEST,
                Books.BASE,
                Merkle.EMPTY,
                Provenance.TRAINED_HERE,
                "test-1",
                "",
                null),
            "bolt",
            "copy",
            1,
            "",
            Books.pseudonymKey(copy)));
    priceAll();
    long from = books.hour();
    generation(Map.of("ann", 500_000));
    long started = books.started("bolt", "g", copy);
    AdapterUse use = new AdapterUse(copy, 1, DIGEST, 1);
    long theirs = books.append(books.ended(started, "bolt", "g", 60, 40, List.of(use)));
    books.attribution(theirs, copy, Map.of("ann", 200_000), 0);
    Settlement settled = settle();
    assertThat(settled.lines())
        .containsExactly(
            new Line("acme", "ann", DIGEST, 1, 500_000, 50),
            new Line("bolt", "ann", DIGEST, 1, 200_000, 20));
    assertThat(books.accounts.balance("acme", "ann")).isEqualTo(50);
    assertThat(books.accounts.balance("bolt", "ann")).isEqualTo(20);
    assertThat(books.accounts.statement("ann", from, books.hour()).lines())
        .containsExactly(
            new Statement.Line(GUIDE, 1, DIGEST, 1, 500_000, 50, true),
            new Statement.Line(copy, 1, DIGEST, 1, 200_000, 20, true));
  }

  @Test
  void expire_erasesAllOfATenantsOldGenerations() {
    for (int i = 0; i < 450; i++) {
      books.append(
          books.ended(books.started("acme", "g" + i, GUIDE), "acme", "g" + i, 1, 1, GUIDE));
    }
    long other = books.generation("other", "x", 1, 1);
    long attributed = generation(Map.of("ann", 5));
    long attribution = books.found(attributed).orElseThrow().attribution().orElseThrow().leaf();
    long audit = books.audit(attributed);
    books.time.advance(Duration.ofSeconds(1));
    long before = books.micros();
    long young = books.generation("acme", "young", 1, 1);
    books.follow();
    int expired = 0;
    for (int some = 1; some > 0; expired += some) {
      some = books.accounts.expire("acme", before);
      assertThat(some).as("a batch is bounded").isLessThan(451);
    }
    assertThat(expired).isEqualTo(451);
    assertThat(books.accounts.generations(GenerationQuery.of("acme", 10)))
        .extracting(Generation::leaf)
        .containsExactly(young);
    assertThat(books.accounts.generation(other)).isPresent();
    for (long leaf : List.of(attributed, attribution, audit)) {
      assertThat(books.ledger.erased(leaf)).isTrue();
    }
    assertThat(books.accounts.expire("acme", before)).isZero();
    assertThat(books.accounts.open()).isEmpty();
  }
}
