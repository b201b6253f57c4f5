package dev.tributary.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterBuildRecord.Provenance;
import dev.tributary.record.Record;
import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.adapter.Builds;
import dev.tributary.server.attribution.VersionIndex;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.state.StoredDigest;
import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Writes one AdapterBuild leaf for each version, by tenant and digest, before it is first served.
///
/// What earlier processes wrote is in the accounts, which are followed up to the log's end at the
/// start; what this one wrote, it remembers.
final class LedgerBuilds implements Builds {
  /// Of versions without an index.
  private static final String UNATTRIBUTED = "unattributed-v1";

  /// To follow what an earlier process wrote; a new view of a long log takes its time.
  private static final Duration PATIENCE = Duration.ofHours(1);

  private final Ledger ledger;
  private final Accounts accounts;
  private final InstantSource time;
  private final Function<VersionRecord, String> settings;
  private final Indexing indexing;
  private final SecureRandom random = new SecureRandom();

  /// Of this process, some hundred bytes each.
  @GuardedBy("this")
  private final Set<StoredDigest> recorded = new HashSet<>();

  /// Has versions indexed.
  interface Indexing {
    /// @return empty for a version whose answers can't be attributed
    /// @throws IOException if it should be indexed and can't
    Optional<VersionIndex> index(VersionRecord version, LoraWeights weights) throws IOException;
  }

  /// @param accounts follow the ledger already
  /// @param settings that a version was trained with, as JSON; empty where they are not known
  LedgerBuilds(
      Ledger ledger,
      Accounts accounts,
      InstantSource time,
      Function<VersionRecord, String> settings,
      Indexing indexing) {
    this.indexing = indexing;
    this.ledger = ledger;
    this.accounts = accounts;
    this.time = time;
    this.settings = settings;
    long leaves = ledger.log().durable();
    try {
      if (leaves > 0 && !accounts.awaitUpTo(leaves - 1, PATIENCE)) {
        throw new IllegalStateException("the accounts do not follow the ledger");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the accounts followed the ledger", e);
    }
  }

  /// Only the first time of a version takes long: an index may have to be built, which the record
  /// binds.
  @Override
  public void record(VersionRecord version, LoraWeights weights) {
    String tenant = version.adapter().tenant();
    StoredDigest key = new StoredDigest(tenant, version.facts().digest());
    if (isRecorded(key)) {
      return;
    }
    Optional<VersionIndex> index;
    try {
      index = indexing.index(version, weights);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    append(version, key, index.orElse(null));
  }

  private synchronized boolean isRecorded(StoredDigest key) {
    if (!recorded.contains(key)
        && accounts.build(key.tenant(), Hash.ofText(key.digest())).isPresent()) {
      recorded.add(key);
    }
    return recorded.contains(key);
  }

  private synchronized void append(
      VersionRecord version, StoredDigest key, @Nullable VersionIndex index) {
    if (!isRecorded(key)) {
      var leaf = ledger.append(build(version, index)).join();
      recorded.add(key);
    }
  }

  private AdapterBuildRecord build(VersionRecord version, @Nullable VersionIndex index) {
    VersionFacts facts = version.facts();
    byte[] pseudonymKey = new byte[AdapterBuildRecord.KEY_BYTES];
    random.nextBytes(pseudonymKey);
    return new AdapterBuildRecord(
        new AdapterBuildRecord.Open(
            Record.hour(ChronoUnit.MICROS.between(Instant.EPOCH, time.instant())),
            Hash.ofText(facts.digest()),
            Hash.ofText(facts.baseDigest()),
            manifest(facts, index),
            provenance(facts),
            index == null ? UNATTRIBUTED : VersionIndex.METHOD,
            index == null ? "" : index.about().thresholds(),
            index == null ? null : index.digest()),
        version.adapter().tenant(),
        version.adapter().name(),
        version.number(),
        settings.apply(version),
        pseudonymKey);
  }

  /// A folder's own list of contributions is known by its index alone.
  private static Hash manifest(VersionFacts facts, @Nullable VersionIndex index) {
    if (!facts.manifestDigest().isEmpty()) {
      return Hash.ofText(facts.manifestDigest());
    }
    return index == null ? Merkle.EMPTY : Hash.ofText(index.about().manifest());
  }

  private static Provenance provenance(VersionFacts facts) {
    return switch (facts.origin()) {
      case TRAINED_HERE -> Provenance.TRAINED_HERE;
      case REPRODUCED -> Provenance.REPRODUCED;
      case CLAIMED -> Provenance.CLAIMED;
    };
  }
}
