package dev.tributary.server.adapter;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.server.adapter.AdapterRef.Alias;
import dev.tributary.server.adapter.AdapterRef.Digest;
import dev.tributary.server.adapter.AdapterRef.Number;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.AdapterRecord;
import dev.tributary.server.state.Adapters;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.Tenants;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.state.VersionState;
import dev.tributary.tlog.Hash;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// From what a caller names to one version.
///
/// **Another tenant's names are never looked up.** A name in a namespace that the caller cannot
/// read is answered without a look at anything, whether or not it exists, so that neither the
/// answer nor the work it took tells.
final class Resolver {
  private static final Pattern PART = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

  /// Versions that a refusal names.
  private static final int MAX_TOLD = 8;

  private final Adapters adapters;
  private final OfferedFolders folders;
  private final BaseIdentity base;

  Resolver(Adapters adapters, OfferedFolders folders, BaseIdentity base) {
    this.adapters = adapters;
    this.folders = folders;
    this.base = base;
  }

  /// The adapter that a name leads a caller of `tenant` to: in its own namespace, else in `public`.
  /// For an offered folder that is refused and never was a version, a record without any.
  ///
  /// @throws AdapterException NotFound
  AdapterRecord find(String tenant, String name) {
    for (AdapterName candidate : candidates(tenant, name)) {
      boolean offered = candidate.tenant().equals(Tenants.PUBLIC);
      if (offered && refusal(candidate) != null) {
        folders.find(candidate.name());
      }
      Optional<AdapterRecord> found = adapters.get(candidate);
      if (found.isEmpty() && offered && folders.find(candidate.name()) != null) {
        return adapters.get(candidate).orElseGet(() -> refused(candidate));
      }
      if (found.isPresent()) {
        return found.get();
      }
    }
    throw new AdapterException(new AdapterRefusal.NotFound(name));
  }

  /// A record of an adapter that is nothing but a refused folder.
  static AdapterRecord refused(AdapterName name) {
    return new AdapterRecord(name, "", new TreeMap<>(), 0, 0, Instant.EPOCH, Instant.EPOCH, "");
  }

  /// The adapter of the caller's own namespace that a name leads to, whether or not it exists.
  ///
  /// @throws AdapterException ReadOnly for what the caller can read only, else NotFound
  AdapterName own(String tenant, String name) {
    List<AdapterName> candidates = candidates(tenant, name);
    if (!candidates.isEmpty() && candidates.getFirst().tenant().equals(tenant)) {
      return candidates.getFirst();
    }
    find(tenant, name);
    throw new AdapterException(new AdapterRefusal.ReadOnly(name));
  }

  private static List<AdapterName> candidates(String tenant, String name) {
    int slash = name.indexOf('/');
    String part = name.substring(slash + 1);
    if (!PART.matcher(part).matches()) {
      return List.of();
    }
    String owner = slash < 0 ? tenant : name.substring(0, slash);
    if (!owner.equals(tenant) && !owner.equals(Tenants.PUBLIC)) {
      return List.of();
    }
    return slash < 0 && !tenant.equals(Tenants.PUBLIC)
        ? List.of(new AdapterName(tenant, part), new AdapterName(Tenants.PUBLIC, part))
        : List.of(new AdapterName(owner, part));
  }

  /// The version that `ref` names for a caller of `tenant`.
  ///
  /// @param affinity what chooses among the versions of a weighted alias
  /// @throws AdapterException if there is none, or it is not served
  VersionRecord resolve(String tenant, AdapterRef ref, String affinity) {
    AdapterName name = find(tenant, ref.name()).name();
    Optional<VersionRecord> version =
        switch (ref.version()) {
          case Number(int number) -> adapters.version(name, number);
          case Digest(String digest) -> adapters.versionByDigest(name, digest);
          case Alias(String alias) ->
              adapters
                  .alias(name, alias)
                  .flatMap(found -> adapters.version(name, pick(name, found, affinity)));
        };
    AdapterRefusal refusal = version.map(this::refusal).orElseGet(() -> refusal(name));
    if (refusal != null) {
      throw new AdapterException(refusal);
    }
    return version
        .filter(found -> found.state() == VersionState.READY)
        .orElseThrow(() -> noSuch(name, ref));
  }

  /// Why a version is not served; null if it is, or waits for its last lease.
  @Nullable AdapterRefusal refusal(VersionRecord version) {
    AdapterName name = version.adapter();
    if (version.facts().folder() != null) {
      Offer offer = folders.known(name.name());
      AdapterVersion offered = offer == null ? null : offer.version();
      if (offer != null && offer.refusal() != null) {
        return offer.refusal();
      }
      if (offered == null || offered.number() != version.number()) {
        return new AdapterRefusal.Quarantined(
            name.name(), version.number(), "its folder no longer holds this version");
      }
    }
    if (version.state() == VersionState.QUARANTINED) {
      return new AdapterRefusal.Quarantined(name.name(), version.number(), version.reason());
    }
    String bound = version.facts().baseDigest();
    return bound.equals(base.digest()) ? null : new AdapterRefusal.WrongBase(bound, base);
  }

  /// Why an offered folder is refused; null if it is not, or there is none.
  @Nullable AdapterRefusal refusal(AdapterName name) {
    Offer offer = name.tenant().equals(Tenants.PUBLIC) ? folders.known(name.name()) : null;
    return offer == null ? null : offer.refusal();
  }

  private AdapterException noSuch(AdapterName name, AdapterRef ref) {
    List<AliasRecord> aliases = adapters.aliases(name);
    List<String> offered =
        adapters.versions(name, Integer.MAX_VALUE, MAX_TOLD).stream()
            .filter(version -> version.state() == VersionState.READY)
            .map(version -> told(version, aliases))
            .toList();
    return new AdapterException(
        new AdapterRefusal.NoSuchVersion(
            ref.name(), ref.version().text(), offered.isEmpty() ? List.of("no version") : offered));
  }

  private static String told(VersionRecord version, List<AliasRecord> aliases) {
    StringBuilder text = new StringBuilder("version " + version.number() + " (");
    for (AliasRecord alias : aliases) {
      if (alias.targets().stream().anyMatch(target -> target.number() == version.number())) {
        text.append("alias \"").append(alias.name()).append("\", ");
      }
    }
    return text.append(version.facts().digest()).append(')').toString();
  }

  /// The version of a weighted alias for a caller's key. The key's hash is a place on the line from
  /// 0 to 1, of which each version has its share in the order of numbers: who changes the weights
  /// of two moves only the keys between the old border and the new.
  static int pick(AdapterName adapter, AliasRecord alias, String affinity) {
    long total = alias.targets().stream().mapToLong(AliasRecord.Target::weight).sum();
    long place = Math.unsignedMultiplyHigh(hash(adapter, alias.name(), affinity), total);
    for (AliasRecord.Target target : alias.targets()) {
      if (place < target.weight()) {
        return target.number();
      }
      place -= target.weight();
    }
    throw new IllegalStateException("a place beyond the weights of " + alias);
  }

  /// A key's place among a million, as likely anywhere.
  static long share(AdapterName adapter, String alias, String key) {
    return Math.unsignedMultiplyHigh(hash(adapter, alias, key), 1_000_000);
  }

  /// Of the adapter's and the alias's names, too: else those whose keys hash low would meet the
  /// canaries of all adapters.
  private static long hash(AdapterName adapter, String alias, String affinity) {
    String text = adapter + "\n" + alias + "\n" + affinity;
    return ByteBuffer.wrap(Hash.sha256(text.getBytes(UTF_8)).bytes()).getLong();
  }
}
