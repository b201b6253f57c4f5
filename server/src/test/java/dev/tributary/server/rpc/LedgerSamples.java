package dev.tributary.server.rpc;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterUse;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.EndReason;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Record;
import dev.tributary.record.SamplingParameters;
import dev.tributary.record.Shares;
import dev.tributary.record.StartedRecord;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.util.List;
import java.util.TreeMap;

/// Records that no server here makes: shares of contributors, times that are chosen.
record LedgerSamples(Ledger ledger) {
  static final long HOUR = Record.MICROS_PER_HOUR;
  static final byte[] KEY = new byte[AdapterBuildRecord.KEY_BYTES];
  private static final Hash BASE = Hash.ofText(TinyAdapters.BASE_DIGEST);

  static Hash digest(String of) {
    return Hash.sha256(of.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  /// The digest of a version of the adapter `tenant/name` is that of its name.
  static AdapterUse use(String adapter) {
    return new AdapterUse(adapter, 1, digest(adapter), 1);
  }

  long append(Record record) {
    return ledger.append(record).join();
  }

  long build(String adapter) {
    String[] parts = adapter.split("/");
    return append(
        new AdapterBuildRecord(
            new AdapterBuildRecord.Open(
                1,
                digest(adapter),
                BASE,
                Merkle.EMPTY,
                AdapterBuildRecord.Provenance.TRAINED_HERE,
                "spans-v1",
                "",
                null),
            parts[0],
            parts[1],
            1,
            "",
            KEY));
  }

  /// The leaf of a generation that ended at that time.
  long generation(String id, String tenant, long endMicros, String... adapters) {
    List<AdapterUse> uses = List.of(adapters).stream().map(LedgerSamples::use).toList();
    long started = append(new StartedRecord(id, tenant, uses, endMicros - 1));
    return append(
        new GenerationRecord(
            id,
            started,
            tenant,
            BASE,
            uses,
            new SamplingParameters(
                16, 0, 0, 1, 0, 1, 0, 0, 7, List.of(), List.of(), new TreeMap<>()),
            List.of(1, 2, 3),
            List.of(4, 5),
            new GenerationRecord.Usage(3, 0, 2),
            EndReason.STOP,
            "numerics-id-7",
            List.of(new GenerationRecord.PathRun(false, 5)),
            -1,
            null,
            false,
            false,
            endMicros - 1,
            endMicros));
  }

  /// `ppm` for the contributor, the rest for the base.
  long attribution(long generation, String contributor, int ppm) {
    Shares shares =
        new Shares(
            List.of(new Shares.Share(Pseudonym.of(KEY, contributor), ppm)), Shares.WHOLE - ppm, 0);
    return append(
        new AttributionRecord(
            new AttributionRecord.Open(1, generation, "spans-v1", shares),
            List.of(contributor),
            List.of(new AttributionRecord.Span(0, 2, List.of(0))),
            new byte[] {1}));
  }
}
