package dev.tributary.client;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterUse;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.AuditRecord;
import dev.tributary.record.CorrectionRecord;
import dev.tributary.record.EndReason;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Record;
import dev.tributary.record.SamplingParameters;
import dev.tributary.record.SettlementRecord;
import dev.tributary.record.Shares;
import dev.tributary.record.StartedRecord;
import dev.tributary.tlog.Hash;
import java.security.SecureRandom;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// Records of one afternoon.
public final class Records {
  /// 2026-11-21 20:00 UTC.
  public static final long HOUR = 498_956;

  public static final long MICROS = HOUR * Record.MICROS_PER_HOUR;

  public static final Hash BASE = Hash.sha256(new byte[] {1});

  private Records() {}

  public static StartedRecord started(String id) {
    return new StartedRecord(id, "acme", List.of(), MICROS);
  }

  public static GenerationRecord generation(String id) {
    return generation(id, List.of());
  }

  /// @param builds of the adapters that it used
  public static GenerationRecord generation(String id, List<AdapterBuildRecord> builds) {
    return new GenerationRecord(
        id,
        0,
        "acme",
        BASE,
        builds.stream()
            .map(
                build ->
                    new AdapterUse(
                        build.tenant() + "/" + build.name(),
                        build.number(),
                        build.open().adapter(),
                        1))
            .toList(),
        new SamplingParameters(
            64, 0.5f, 40, 0.9f, 0, 1, 0, 0, -1, List.of("END\n"), List.of(2), new TreeMap<>()),
        List.of(1, 2, 3),
        List.of(40, 50, 60),
        new GenerationRecord.Usage(3, 1, 3),
        EndReason.STOP,
        "sha256:" + "ab".repeat(32),
        List.of(new GenerationRecord.PathRun(true, 2), new GenerationRecord.PathRun(false, 4)),
        -1,
        null,
        false,
        true,
        MICROS,
        MICROS + 1_500_000);
  }

  /// Of the town guide, as its uploader says.
  public static AdapterBuildRecord claimedBuild() {
    return new AdapterBuildRecord(
        new AdapterBuildRecord.Open(
            HOUR,
            Hash.sha256(new byte[] {2}),
            BASE,
            Hash.sha256(new byte[] {3}),
            AdapterBuildRecord.Provenance.CLAIMED,
            "kernel-v1",
            "",
            null),
        "public",
        "town-guide",
        1,
        "",
        new byte[AdapterBuildRecord.KEY_BYTES]);
  }

  /// 40% Ann's, 25% the base's.
  public static Shares shares() {
    return new Shares(
        List.of(new Shares.Share(Pseudonym.of(new byte[32], "ann"), 400_000)), 250_000, 350_000);
  }

  public static AttributionRecord attribution(long generation) {
    return new AttributionRecord(
        new AttributionRecord.Open(HOUR, generation, "spans/1", shares()),
        List.of("ann"),
        List.of(new AttributionRecord.Span(0, 5, List.of(0))),
        new byte[] {7});
  }

  /// More contributors than fit into one leaf.
  public static AttributionRecord attributionToMany(long generation) {
    List<String> names = IntStream.range(0, 4_000).mapToObj(i -> "c" + i).toList();
    Shares shares =
        new Shares(
            names.stream()
                .map(name -> new Shares.Share(Pseudonym.of(new byte[32], name), 250))
                .toList(),
            0,
            0);
    return new AttributionRecord(
        new AttributionRecord.Open(HOUR, generation, "spans/1", shares),
        names,
        List.of(),
        new byte[0]);
  }

  public static AttributionRecord unattributed(long generation) {
    return new AttributionRecord(
        new AttributionRecord.Open(HOUR, generation, "none/1", Shares.unattributed()),
        List.of(),
        List.of(),
        new byte[0]);
  }

  public static CorrectionRecord correction(long generation, long attribution) {
    return new CorrectionRecord(
        new CorrectionRecord.Open(HOUR, generation, attribution, shares()),
        "a mistake",
        List.of("ann"),
        MICROS);
  }

  public static AuditRecord replay(long generation, String result) {
    return new AuditRecord(
        new AuditRecord.Open(
            HOUR, generation, AuditRecord.What.REPLAY, AuditRecord.Drawn.CALLER, result),
        "acme",
        MICROS,
        "");
  }

  /// Half of a fee is the contributors'.
  public static PriceRuleRecord price(long hour) {
    return new PriceRuleRecord(
        new PriceRuleRecord.Open(hour, "EUR", 1_000_000, 2_000_000, 500_000), "", "");
  }

  /// Of three contributors; Ann is the second. Of the first hours of November 2026.
  public static SettlementRecord settlementOfMany() {
    return SettlementRecord.draw(
        HOUR,
        498192,
        498202,
        0,
        0,
        "EUR",
        1_000,
        0,
        List.of(
            new SettlementRecord.Line("public", "abe", BASE, 1, 400_000, 100),
            new SettlementRecord.Line("public", "ann", BASE, 4, 1_000_000, 300),
            new SettlementRecord.Line("public", "bob", BASE, 1, 400_000, 100)),
        new SecureRandom());
  }

  public static SettlementRecord settlement(
      long from, long to, long lastLeaf, long fees, long credited, long unattributed) {
    List<SettlementRecord.Line> lines =
        credited == 0
            ? List.of()
            : List.of(new SettlementRecord.Line("public", "ann", BASE, 1, 400_000, credited));
    return SettlementRecord.draw(
        HOUR, from, to, 0, lastLeaf, "EUR", fees, unattributed, lines, new SecureRandom());
  }
}
