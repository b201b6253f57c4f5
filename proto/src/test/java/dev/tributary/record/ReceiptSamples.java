package dev.tributary.record;

import dev.tributary.tlog.Hash;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// Receipts of a [TestLog].
final class ReceiptSamples {
  static final Hash ADAPTER = Hash.sha256(new byte[] {1});
  static final Hash BASE = Hash.sha256(new byte[] {2});

  private ReceiptSamples() {}

  static GenerationRecord generation(long startedLeaf) {
    return new GenerationRecord(
        "gen-1",
        startedLeaf,
        "acme",
        BASE,
        List.of(new AdapterUse("acme/guide", 1, ADAPTER, 1)),
        new SamplingParameters(9, 0, 0, 1, 0, 1, 0, 0, 7, List.of(), List.of(), new TreeMap<>()),
        List.of(1, 2, 3),
        List.of(4, 5),
        new GenerationRecord.Usage(3, 0, 2),
        EndReason.STOP,
        "cpu",
        List.of(new GenerationRecord.PathRun(true, 3)),
        -1,
        null,
        false,
        false,
        10,
        20);
  }

  static AdapterBuildRecord build() {
    return new Samples(5).build(ADAPTER, BASE);
  }

  static StartedRecord started() {
    return new StartedRecord("gen-1", "acme", List.of(), 5);
  }

  /// The usual one, of everything that a receipt can have but rotations.
  static Receipt receipt() {
    return receipt(new TestLog().fill(3), 2);
  }

  static Receipt receipt(TestLog log, int shares) {
    return receipt(log, List.of(), shares);
  }

  /// @param rotations that are in the log
  static Receipt receipt(TestLog log, List<Sealed> rotations, int shares) {
    Sealed build = log.append(build());
    long started = log.index(log.append(started()));
    Sealed generation = log.append(generation(started));
    Sealed attribution = log.append(new Samples(6).attribution(log.index(generation), shares));
    log.fill(5);
    return new Receipt(
        log.proven(generation),
        Optional.of(log.proven(attribution)),
        List.of(log.proven(build).hiding(Set.of("adapter_build.pseudonym_key"))),
        rotations.stream().map(log::proven).toList(),
        log.cosigned(TestLog.KEY));
  }
}
