package dev.tributary.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterBuildRecord.Provenance;
import dev.tributary.record.Record;
import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.adapter.Builds;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.state.StoredDigest;
import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Function;

/// Writes one AdapterBuild leaf for each version, by tenant and digest, before it is first served.
///
/// What earlier processes wrote is in the accounts, which are followed up to the log's end at the
/// start; what this one wrote, it remembers.
final class LedgerBuilds implements Builds {
  /// Until versions have an attribution method, everything is unattributed.
  private static final String METHOD = "unattributed-v1";

  /// To follow what an earlier process wrote; a new view of a long log takes its time.
  private static final Duration PATIENCE = Duration.ofHours(1);

  private final Ledger ledger;
  private final Accounts accounts;
  private final InstantSource time;
  private final Function<VersionRecord, String> settings;
  private final SecureRandom random = new SecureRandom();

  /// Of this process, some hundred bytes each.
  @GuardedBy("this")
  private final Set<StoredDigest> recorded = new HashSet<>();

  /// @param accounts follow the ledger already
  /// @param settings that a version was trained with, as JSON; empty where they are not known
  LedgerBuilds(
      Ledger ledger,
      Accounts accounts,
      InstantSource time,
      Function<VersionRecord, String> settings) {
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

  /// One after the other: an append takes milliseconds, and is needed once per version.
  @Override
  public synchronized void record(VersionRecord version) {
    String tenant = version.adapter().tenant();
    StoredDigest key = new StoredDigest(tenant, version.facts().digest());
    if (recorded.contains(key)) {
      return;
    }
    if (accounts.build(tenant, Hash.ofText(key.digest())).isEmpty()) {
      var leaf = ledger.append(build(version)).join();
    }
    recorded.add(key);
  }

  private AdapterBuildRecord build(VersionRecord version) {
    VersionFacts facts = version.facts();
    byte[] pseudonymKey = new byte[AdapterBuildRecord.KEY_BYTES];
    random.nextBytes(pseudonymKey);
    return new AdapterBuildRecord(
        new AdapterBuildRecord.Open(
            Record.hour(ChronoUnit.MICROS.between(Instant.EPOCH, time.instant())),
            Hash.ofText(facts.digest()),
            Hash.ofText(facts.baseDigest()),
            facts.manifestDigest().isEmpty() ? Merkle.EMPTY : Hash.ofText(facts.manifestDigest()),
            provenance(facts),
            METHOD,
            "",
            null),
        version.adapter().tenant(),
        version.adapter().name(),
        version.number(),
        settings.apply(version),
        pseudonymKey);
  }

  private static Provenance provenance(VersionFacts facts) {
    return switch (facts.origin()) {
      case TRAINED_HERE -> Provenance.TRAINED_HERE;
      case REPRODUCED -> Provenance.REPRODUCED;
      case CLAIMED -> Provenance.CLAIMED;
    };
  }
}
