package dev.tributary.server.accounts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterBuildRecord.Provenance;
import dev.tributary.record.AdapterUse;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.AuditRecord;
import dev.tributary.record.CorrectionRecord;
import dev.tributary.record.EndReason;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Record;
import dev.tributary.record.Shares;
import dev.tributary.record.StartedRecord;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.ledger.LogSettings;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A ledger with its accounts, and short ways to record things.
final class Books implements AutoCloseable {
  static final SigningKey KEY = SigningKey.generate("test.example/log", new SecureRandom());

  static final Hash BASE = Hash.sha256(new byte[] {1});

  /// A clock that a test moves.
  static final class FakeTime implements InstantSource {
    private Instant now = Instant.parse("2026-03-01T10:20:30.123456Z");

    @Override
    public synchronized Instant instant() {
      return now;
    }

    synchronized void advance(Duration by) {
      now = now.plus(by);
    }
  }

  private final String url;
  final FakeTime time = new FakeTime();
  final Ledger ledger;
  Accounts accounts;

  Books(Path folder) throws IOException {
    this(folder, Accounts.sqlite(folder.resolve("accounts.db")));
  }

  Books(Path folder, String url) throws IOException {
    this.url = url;
    ledger = Ledger.open(LogSettings.of(folder.resolve("ledger"), KEY), time);
    accounts = Accounts.open(url, ledger, time);
    accounts.follow();
  }

  /// Closes and opens the accounts.
  void reopen() {
    accounts.close();
    accounts = Accounts.open(url, ledger, time);
    accounts.follow();
  }

  String url() {
    return url;
  }

  long micros() {
    return ChronoUnit.MICROS.between(Instant.EPOCH, time.instant());
  }

  long hour() {
    return Record.hour(micros());
  }

  long append(Record record) {
    return ledger.append(record).join();
  }

  /// Waits until all that was appended is in the accounts.
  void follow() {
    try {
      assertThat(accounts.awaitUpTo(ledger.log().durable() - 1, Duration.ofMinutes(1))).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  static byte[] pseudonymKey(String name) {
    return Hash.sha256(name.getBytes(StandardCharsets.UTF_8)).bytes();
  }

  static AdapterUse use(String name) {
    Hash digest = Hash.sha256(("weights of " + name).getBytes(StandardCharsets.UTF_8));
    return new AdapterUse(name, 1, digest, 1);
  }

  /// @param name `tenant/name`
  long build(String name, Provenance provenance) {
    int slash = name.indexOf('/');
    return append(
        new AdapterBuildRecord(
            new AdapterBuildRecord.Open(
                hour(), use(name).digest(), BASE, Merkle.EMPTY, provenance, "test-1", "", null),
            name.substring(0, slash),
            name.substring(slash + 1),
            1,
            "",
            pseudonymKey(name)));
  }

  long started(String tenant, String id, String... adapters) {
    return append(new StartedRecord(id, tenant, uses(adapters), micros()));
  }

  long generation(String tenant, String id, int prompt, int completion, String... adapters) {
    long started = started(tenant, id, adapters);
    return append(ended(started, tenant, id, prompt, completion, adapters));
  }

  GenerationRecord ended(
      long started, String tenant, String id, int prompt, int completion, String... adapters) {
    return ended(started, tenant, id, prompt, completion, uses(adapters));
  }

  GenerationRecord ended(
      long started,
      String tenant,
      String id,
      int prompt,
      int completion,
      List<AdapterUse> adapters) {
    return new GenerationRecord(
        id,
        started,
        tenant,
        null,
        adapters,
        null,
        List.of(1, 2, 3),
        List.of(4, 5),
        new GenerationRecord.Usage(prompt, 0, completion),
        EndReason.INTERRUPTED,
        "",
        List.of(),
        -1,
        null,
        false,
        false,
        micros() - 1_000,
        micros());
  }

  private static List<AdapterUse> uses(String... adapters) {
    return List.of(adapters).stream().map(Books::use).toList();
  }

  /// Shares in the order given; what is missing to the whole is unattributed.
  ///
  /// @param ppm contributor, and millionths of the answer
  static Shares shares(String adapter, Map<String, Integer> ppm, int base) {
    List<Shares.Share> shares = new ArrayList<>();
    int left = Shares.WHOLE - base;
    for (Map.Entry<String, Integer> each : new LinkedHashMap<>(ppm).entrySet()) {
      Pseudonym name = Pseudonym.of(pseudonymKey(adapter), each.getKey());
      shares.add(new Shares.Share(name, each.getValue()));
      left -= each.getValue();
    }
    return new Shares(shares, base, left);
  }

  long attribution(long generation, String adapter, Map<String, Integer> ppm, int base) {
    return attribution(generation, "test-1", adapter, ppm, base);
  }

  long attribution(
      long generation, String method, String adapter, Map<String, Integer> ppm, int base) {
    return append(
        new AttributionRecord(
            new AttributionRecord.Open(hour(), generation, method, shares(adapter, ppm, base)),
            List.copyOf(ppm.keySet()),
            List.of(),
            new byte[] {7}));
  }

  long correction(
      long generation, long replaced, String adapter, Map<String, Integer> ppm, int base) {
    return append(
        new CorrectionRecord(
            new CorrectionRecord.Open(hour(), generation, replaced, shares(adapter, ppm, base)),
            "dispute",
            List.copyOf(ppm.keySet()),
            micros()));
  }

  long audit(long generation) {
    return append(
        new AuditRecord(
            new AuditRecord.Open(
                hour(), generation, AuditRecord.What.REPLAY, AuditRecord.Drawn.CALLER, "IDENTICAL"),
            "acme",
            micros(),
            ""));
  }

  /// In effect from the next hour on, which the clock then shows.
  long price(String tenant, long promptMicros, long completionMicros, int contributorsPpm) {
    long leaf =
        append(
            new PriceRuleRecord(
                new PriceRuleRecord.Open(
                    hour() + 1, "EUR", promptMicros, completionMicros, contributorsPpm),
                tenant,
                ""));
    time.advance(Duration.ofHours(1));
    return leaf;
  }

  Optional<Generation> found(long leaf) {
    follow();
    return accounts.generation(leaf);
  }

  @Override
  public void close() throws IOException {
    accounts.close();
    ledger.close();
  }
}
