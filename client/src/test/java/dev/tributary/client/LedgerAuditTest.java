package dev.tributary.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.tributary.record.KeyRotationRecord;
import dev.tributary.record.Kind;
import dev.tributary.record.Leaf;
import dev.tributary.record.Sealed;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerAuditTest {
  private static final SecureRandom RANDOM = new SecureRandom();

  @TempDir private Path folder;
  private FakeServer server;
  private FakeProvenance log;
  private TributaryClient client;
  private Policy policy;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    log = server.provenance;
    client = server.client(ClientOptions.defaults());
    policy = Policy.of(log.verifierKey());
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private LedgerAudit.Report audit() throws IOException, InterruptedException {
    return new LedgerAudit(client.ledger(), folder, new LedgerAudit.Listener() {}).run(policy);
  }

  private List<String> findings() throws IOException, InterruptedException {
    return audit().findings().stream().map(Finding::sentence).toList();
  }

  /// A generation with its attribution.
  private long answered() {
    long generation = log.append(Records.generation("g-" + log.size()));
    log.append(Records.attribution(generation));
    return generation;
  }

  @Test
  void audit_soundLog_findsNothingAndGoesOnWhereItWas() throws IOException, InterruptedException {
    for (int i = 0; i < 400; i++) {
      answered();
    }
    LedgerAudit.Report first = audit();
    assertThat(first.findings()).isEmpty();
    assertThat(first.from()).isEmpty();
    assertThat(first.kinds())
        .containsOnly(entry(Kind.GENERATION, 400L), entry(Kind.ATTRIBUTION, 400L));
    answered();
    log.append(Records.replay(0, "IDENTICAL"));
    log.entriesAsked.clear();
    LedgerAudit.Report second = audit();
    assertThat(second.findings()).isEmpty();
    assertThat(second.from().orElseThrow().size()).isEqualTo(800);
    assertThat(second.to().size()).isEqualTo(803);
    assertThat(second.generations()).isEqualTo(401);
    assertThat(log.entriesAsked).hasSize(1).allMatch(asked -> asked.getStart() == 800);
    assertThat(audit().kinds()).isEmpty();
  }

  private static Map.Entry<Kind, Long> entry(Kind kind, long count) {
    return Map.entry(kind, count);
  }

  @Test
  void audit_emptyLog_isSound() throws IOException, InterruptedException {
    assertThat(audit().findings()).isEmpty();
    answered();
    assertThat(audit().findings()).isEmpty();
  }

  @Test
  void audit_generationWithoutAttribution_isFoundAfterSomePatience()
      throws IOException, InterruptedException {
    answered();
    log.append(Records.generation("g"));
    assertThat(findings()).containsExactly("generation 2 has no attribution");
    // Still missing: said again.
    assertThat(findings()).containsExactly("generation 2 has no attribution");
    log.append(Records.unattributed(2));
    assertThat(findings()).isEmpty();
  }

  @Test
  void audit_attributionThatIsUnderWay_isWaitedFor() throws IOException, InterruptedException {
    log.append(Records.generation("g"));
    log.publishing =
        () -> log.append(Records.unattributed(log.append(Records.generation("h")) - 1));
    // Generation 0 is attributed while the audit waits; the newest one has nobody to wait for it.
    LedgerAudit.Report report = audit();
    assertThat(report.findings()).isEmpty();
    assertThat(report.to().size()).isGreaterThan(1);
  }

  @Test
  void audit_secondAttribution_isFoundAlsoBetweenAudits() throws IOException, InterruptedException {
    long generation = answered();
    log.append(Records.unattributed(generation));
    assertThat(findings())
        .containsExactly("leaf 2 is a second attribution of generation 0; the first counts");
    log.append(Records.unattributed(generation));
    assertThat(findings())
        .containsExactly("leaf 3 is a second attribution of generation 0; the first counts");
  }

  @Test
  void audit_leavesThatContradictOthers_areFound() throws IOException, InterruptedException {
    answered();
    log.append(Records.attribution(1));
    log.append(Records.attribution(99));
    log.append(Records.correction(0, 0));
    log.append(Records.replay(0, "DIFFERENT at 7"));
    log.append(new byte[] {1, 2, 3});
    log.append(Records.correction(0, 1));
    assertThat(findings())
        .satisfiesExactly(
            f ->
                assertThat(f).isEqualTo("leaf 2 is about leaf 1, which is no generation before it"),
            f ->
                assertThat(f)
                    .isEqualTo("leaf 3 is about leaf 99, which is no generation before it"),
            f -> assertThat(f).isEqualTo("leaf 4 corrects leaf 0, which is no attribution"),
            f ->
                assertThat(f)
                    .isEqualTo("leaf 5 says that a REPLAY of generation 0 came out DIFFERENT at 7"),
            f -> assertThat(f).startsWith("leaf 6 is no record: "));
  }

  @Test
  void audit_settlements_mustAddUp() throws IOException, InterruptedException {
    log.append(Records.settlement(0, 10, 0, 100, 0, 0));
    log.replace(0, log(Records.price(Records.HOUR)));
    answered();
    // Half of 1,000 is the contributors': 300 and 200.
    log.append(Records.settlement(10, 20, 2, 1_000, 300, 200));
    assertThat(findings()).isEmpty();
    log.append(Records.settlement(20, 30, 3, 1_000, 301, 200));
    log.append(Records.settlement(29, 40, 3, 1_000, 300, 200));
    log.append(Records.settlement(41, 50, 3, 1_000, 300, 200));
    log.append(Records.settlement(50, 60, 99, 1_000, 300, 200));
    log.append(Records.correction(1, 2));
    log.append(Records.price(Records.HOUR - 1));
    assertThat(findings())
        .containsExactly(
            "leaf 4 credits 301 and leaves 200 unattributed, more than the contributors' part of"
                + " 1000",
            "leaf 5 settles hours again that a settlement before it did",
            "leaf 6 leaves hours out since the settlement before it",
            "leaf 7 settles leaves 0 to 99",
            "leaf 8 corrects generation 1 after its period was settled",
            "leaf 9 is a price for hours that were past");
  }

  @Test
  void audit_moneyBeyondALong_isAuditedToo() throws IOException, InterruptedException {
    log.append(Records.price(Records.HOUR));
    answered();
    log.append(Records.settlement(0, 10, 2, Long.MAX_VALUE, 300, 200));
    assertThat(findings()).isEmpty();
    log.append(Records.settlement(10, 20, 3, 1, Long.MAX_VALUE, Long.MAX_VALUE));
    assertThat(findings())
        .singleElement()
        .asString()
        .startsWith("leaf 4 credits 9223372036854775807 and leaves 9223372036854775807");
  }

  @Test
  void audit_moneyOutOfNothing_isFound() throws IOException, InterruptedException {
    long generation = log.append(Records.generation("g"));
    log.append(Records.unattributed(generation));
    log.append(Records.settlement(0, 10, 1, 10, 0, 0));
    log.append(Records.price(Records.HOUR));
    log.append(Records.settlement(10, 20, 1, 10, 5, 0));
    assertThat(findings())
        .containsExactly(
            "leaf 2 has fees, and no price precedes it",
            "leaf 4 credits 5 where no answer has shares");
  }

  private static byte[] log(dev.tributary.record.Record record) {
    return record.seal(RANDOM).leaf().encode();
  }

  @Test
  void audit_longRecord_isReadFromItsContinuations() throws IOException, InterruptedException {
    long generation = log.append(Records.generation("g"));
    Sealed sealed = Records.attributionToMany(generation).seal(RANDOM);
    assertThat(sealed.continuations()).isNotEmpty();
    log.append(sealed);
    assertThat(findings()).isEmpty();
    // A chunk of it alone continues nothing that comes.
    for (Leaf leaf : sealed.continuations()) {
      log.append(leaf.encode());
    }
    log.append(Records.unattributed(log.append(Records.generation("h"))));
    assertThat(findings()).isNotEmpty();
  }

  @Test
  void audit_rewrittenForkedOrRolledBackLog_isRefused() throws IOException, InterruptedException {
    answered();
    answered();
    audit();
    byte[] other = log(Records.generation("other"));
    log.cut(3);
    assertThatThrownBy(this::audit).hasMessageContaining("rolled back");
    log.append(other);
    assertThatThrownBy(this::audit).hasMessageContaining("rewritten or forked");
    log.append(other);
    assertThatThrownBy(this::audit).hasMessageContaining("rewritten or forked");
  }

  @Test
  void audit_entriesThatAreNotTheLogs_areRefusedAndForgotten()
      throws IOException, InterruptedException {
    answered();
    byte[] other = log(Records.unattributed(0));
    log.reading =
        entry ->
            entry.getLeafIndex() == 1
                ? entry.toBuilder().setData(ByteString.copyFrom(other)).build()
                : entry;
    assertThatThrownBy(this::audit)
        .isInstanceOf(UnmetException.class)
        .hasMessageContaining("do not lead to its checkpoint");
    log.reading = entry -> entry.toBuilder().setLeafIndex(entry.getLeafIndex() + 1).build();
    assertThatThrownBy(this::audit).hasMessageContaining("sent entry 1 for 0");
    log.reading = entry -> entry;
    assertThat(audit().from()).isEmpty();
  }

  @Test
  void audit_anotherKey_isRefused() throws IOException, InterruptedException {
    answered();
    audit();
    log.key = SigningKey.generate(FakeProvenance.ORIGIN, RANDOM);
    assertThatThrownBy(this::audit)
        .isInstanceOf(UnmetException.class)
        .hasMessageContaining("not signed by a trusted key");
    // Nor does it help to say so, where the old one has not signed.
    policy = Policy.of(log.verifierKey());
    assertThatThrownBy(this::audit).hasMessageContaining("which is not trusted now");
  }

  @Test
  void audit_rotatedKey_isFollowed() throws IOException, InterruptedException {
    answered();
    audit();
    SigningKey old = log.key;
    SigningKey next = SigningKey.generate(FakeProvenance.ORIGIN, RANDOM);
    log.append(KeyRotationRecord.sign(old, next, log.size() + 3));
    answered();
    // Announced, and not in force yet.
    assertThat(audit().findings()).isEmpty();
    log.key = next;
    assertThatThrownBy(this::audit).hasMessageContaining("not signed by a trusted key");
    log.key = old;
    answered();
    // The old key signs no more.
    assertThatThrownBy(this::audit).hasMessageContaining("not signed by a trusted key");
    log.key = next;
    LedgerAudit.Report report = audit();
    assertThat(report.findings()).isEmpty();
    assertThat(report.signer()).isEqualTo(next.verifierKey());
    // Whoever trusts the old key still, is led to the new one.
    answered();
    assertThat(audit().signer()).isEqualTo(next.verifierKey());
    policy = Policy.of(next.verifierKey());
    assertThat(audit().findings()).isEmpty();
  }

  @Test
  void audit_rotationsThatNobodyMay_areFound() throws IOException, InterruptedException {
    SigningKey one = SigningKey.generate(FakeProvenance.ORIGIN, RANDOM);
    SigningKey two = SigningKey.generate(FakeProvenance.ORIGIN, RANDOM);
    log.append(KeyRotationRecord.sign(one, two, 9));
    log.append(KeyRotationRecord.sign(log.key, two, 0));
    KeyRotationRecord sound = KeyRotationRecord.sign(log.key, two, 9);
    KeyRotationRecord other = KeyRotationRecord.sign(log.key, two, 8);
    log.append(
        new KeyRotationRecord(sound.oldKey(), sound.newKey(), 9, other.byOld(), sound.byNew()));
    // The way to the key that is believed is history.
    log.append(KeyRotationRecord.sign(one, log.key, 4));
    assertThat(findings())
        .containsExactly(
            "leaf 0 rotates key " + one + ", which is not this log's",
            "leaf 1 rotates a key at a size that is past",
            "leaf 2 rotates a key without both keys' signatures");
  }

  @Test
  void audit_memoryThatWasTamperedWith_isRefused() throws IOException, InterruptedException {
    answered();
    audit();
    Path file = folder.resolve("log.example%2Ftown.audit");
    String text = Files.readString(file);
    Files.writeString(file, text.replace("peak ", "peak A"));
    assertThatThrownBy(this::audit)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no audit's memory");
    Files.writeString(file, text);
    assertThat(audit().from()).isPresent();
  }
}
