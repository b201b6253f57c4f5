package dev.tributary.server.rpc;

import com.google.protobuf.ByteString;
import dev.tributary.record.AdapterUse;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.CorrectionRecord;
import dev.tributary.record.Kind;
import dev.tributary.record.Leaf;
import dev.tributary.record.Proven;
import dev.tributary.record.Record;
import dev.tributary.record.Sealed;
import dev.tributary.record.Shares;
import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.accounts.Generation;
import dev.tributary.server.ledger.Entry;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.ledger.Log;
import dev.tributary.tlog.Note;
import dev.tributary.v1.Attribution;
import dev.tributary.v1.Receipt;
import dev.tributary.v1.ReceiptFile;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/// Receipts of generations, with as much in them as their reader may see.
///
/// The tenant whose generation it is sees all of it. Contributors of adapters that are not the
/// tenant's own stay pseudonyms to it, and nobody gets the keys that pseudonyms are made with. To
/// an auditor everything that a leaf only commits to stays hidden.
final class Receipts {
  /// Who may tell whom a pseudonym stands for may tell it of every answer of the version.
  private static final Set<String> KEY = Set.of("adapter_build.pseudonym_key");

  private static final Set<String> UNSAID =
      Set.of(AttributionWriter.BASE_ONLY, AttributionWriter.UNATTRIBUTED);

  private static final Set<String> NAMES =
      Set.of("attribution.contributors", "attribution.evidence");

  private final Ledger ledger;
  private final Log log;
  private final Accounts accounts;

  /// Who reads.
  enum Reader {
    /// The tenant whose generation it is.
    OWN,
    /// Somebody who checks the log.
    AUDITOR
  }

  Receipts(Ledger ledger, Accounts accounts) {
    this.ledger = ledger;
    this.log = ledger.log();
    this.accounts = accounts;
  }

  /// The whole receipt against `checkpoint`, which covers the generation and its attribution.
  ReceiptFile file(Generation generation, Reader reader, Note checkpoint) {
    long size = CheckpointFeed.size(checkpoint);
    Optional<Entry> attribution = firstAttribution(generation).map(ledger::entry);
    boolean named = reader == Reader.OWN && ownsAdapters(generation);
    dev.tributary.record.Receipt receipt =
        new dev.tributary.record.Receipt(
            prove(ledger.entry(generation.leaf()), size, hidden(Kind.GENERATION, reader, Set.of()))
                .orElseThrow(() -> Statuses.erased(generation.id())),
            attribution.flatMap(
                entry ->
                    prove(entry, size, hidden(Kind.ATTRIBUTION, reader, named ? Set.of() : NAMES))),
            builds(generation, reader, size),
            rotations(size),
            checkpoint);
    return ReceiptFile.newBuilder()
        .setSummary(summary(generation, reader))
        .setFile(ByteString.copyFrom(receipt.bytes()))
        .build();
  }

  private static Set<String> hidden(Kind kind, Reader reader, Set<String> fields) {
    return reader == Reader.OWN ? fields : Set.copyOf(kind.tags());
  }

  private List<Proven> builds(Generation generation, Reader reader, long size) {
    List<Proven> builds = new ArrayList<>();
    generation.adapters().stream()
        .distinct()
        .forEach(
            use -> {
              String owner = owner(use.name());
              boolean own = reader == Reader.OWN && owner.equals(generation.tenant());
              OptionalLong leaf = accounts.build(owner, use.digest());
              if (leaf.isPresent() && leaf.getAsLong() < generation.leaf()) {
                Set<String> hidden = own ? KEY : Set.copyOf(Kind.ADAPTER_BUILD.tags());
                prove(ledger.entry(leaf.getAsLong()), size, hidden).ifPresent(builds::add);
              }
            });
    return builds;
  }

  private List<Proven> rotations(long size) {
    return log.rotations().stream()
        .filter(leaf -> leaf < size)
        .flatMap(leaf -> prove(ledger.entry(leaf), size, Set.of()).stream())
        .toList();
  }

  /// Empty if the private part is erased.
  private Optional<Proven> prove(Entry entry, long size, Set<String> hidden) {
    List<Leaf> leaves = entry.leaves();
    Optional<Sealed> sealed =
        entry.kind().tags().isEmpty()
            ? Optional.of(new Sealed(entry.leaf(), leaves.subList(0, leaves.size() - 1), List.of()))
            : entry.sealed();
    List<Proven.Place> places = new ArrayList<>();
    for (long index = entry.index() - leaves.size() + 1; index <= entry.index(); index++) {
      places.add(new Proven.Place(index, log.inclusion(index, size)));
    }
    return sealed.map(whole -> Proven.of(whole, places).hiding(hidden));
  }

  /// The leaf that a correction may have taken the place of.
  private Optional<Long> firstAttribution(Generation generation) {
    if (generation.attribution().isEmpty()) {
      return Optional.empty();
    }
    Entry entry = ledger.entry(generation.attribution().get().leaf());
    while (entry.kind() == Kind.CORRECTION) {
      entry = ledger.entry(CorrectionRecord.Open.of(entry.leaves()).attributionLeaf());
    }
    return Optional.of(entry.index());
  }

  /// What is told of a generation in a list, and beside its receipt.
  Receipt summary(Generation generation, Reader reader) {
    Instant end = Instant.EPOCH.plus(generation.endMicros(), ChronoUnit.MICROS);
    Receipt.Builder told =
        Receipt.newBuilder()
            .setGenerationId(generation.id())
            .setLeafIndex(generation.leaf())
            .setEndTime(
                Times.timestamp(reader == Reader.OWN ? end : end.truncatedTo(ChronoUnit.HOURS)));
    if (reader == Reader.OWN) {
      generation.adapters().forEach(use -> told.addAdapterDigests(use.digest().text()));
    }
    generation
        .attribution()
        .ifPresentOrElse(
            counts ->
                told.setAttribution(
                    attribution(counts, reader, reader == Reader.OWN && ownsAdapters(generation))),
            () -> told.setPending(Receipt.Pending.getDefaultInstance()));
    return told.build();
  }

  /// @param named whether contributors are told by their names
  private Attribution attribution(Generation.Attribution counts, Reader reader, boolean named) {
    Attribution.Builder told =
        Attribution.newBuilder()
            .setMethod(counts.method())
            .setBasePpm(counts.basePpm())
            .setUnattributedPpm(counts.unattributedPpm());
    if (UNSAID.contains(counts.method())) {
      return told.build(); // Nobody's, so the record has no names and no spans.
    }
    Entry entry = ledger.entry(counts.leaf());
    Shares shares =
        entry.kind() == Kind.CORRECTION
            ? CorrectionRecord.Open.of(entry.leaves()).shares()
            : AttributionRecord.Open.of(entry.leaves()).shares();
    Record record = entry.record().orElse(null);
    // What is erased is known by its pseudonyms alone.
    List<String> names =
        switch (record) {
          case AttributionRecord attribution when named -> attribution.contributors();
          case CorrectionRecord correction when named -> correction.contributors();
          case null, default -> pseudonyms(shares);
        };
    List<AttributionRecord.Span> spans =
        reader == Reader.OWN && record instanceof AttributionRecord attribution
            ? attribution.spans()
            : List.of();
    return fill(told, shares, names, spans).build();
  }

  /// What the caller of an answer is told of its attribution.
  ///
  /// @param named whether contributors are told by their names
  static Attribution attribution(AttributionRecord record, boolean named) {
    Shares shares = record.open().shares();
    Attribution.Builder told =
        Attribution.newBuilder()
            .setMethod(record.open().method())
            .setBasePpm(shares.basePpm())
            .setUnattributedPpm(shares.unattributedPpm());
    return fill(told, shares, named ? record.contributors() : pseudonyms(shares), record.spans())
        .build();
  }

  private static List<String> pseudonyms(Shares shares) {
    return shares.shares().stream().map(share -> share.contributor().toString()).toList();
  }

  /// @param names of those who have shares, and after them of those who only stand in spans; to
  ///   whom these are not told, they are left out
  private static Attribution.Builder fill(
      Attribution.Builder told,
      Shares shares,
      List<String> names,
      List<AttributionRecord.Span> spans) {
    for (int i = 0; i < shares.shares().size(); i++) {
      told.addShares(
          Attribution.Share.newBuilder()
              .setContributor(names.get(i))
              .setPpm(shares.shares().get(i).ppm()));
    }
    for (AttributionRecord.Span span : spans) {
      List<String> whose =
          span.contributors().stream()
              .filter(index -> index < names.size())
              .map(names::get)
              .toList();
      if (!whose.isEmpty()) {
        told.addSpans(
            Attribution.Span.newBuilder()
                .setStart(span.start())
                .setEnd(span.end())
                .addAllContributors(whose));
      }
    }
    return told;
  }

  /// Whether every adapter of the generation is its tenant's own.
  static boolean ownsAdapters(Generation generation) {
    return owns(generation.tenant(), generation.adapters());
  }

  /// Whether every adapter is the tenant's own.
  static boolean owns(String tenant, List<AdapterUse> adapters) {
    return adapters.stream().allMatch(use -> owner(use.name()).equals(tenant));
  }

  /// @param adapter `tenant/name`
  static String owner(String adapter) {
    return adapter.substring(0, Math.max(0, adapter.indexOf('/')));
  }
}
