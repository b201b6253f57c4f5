package dev.tributary.server.rpc;

import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.AdapterVersion;
import dev.tributary.server.adapter.Lease;
import dev.tributary.server.engine.Job;
import dev.tributary.tlog.Hash;
import dev.tributary.v1.AdapterUse;
import dev.tributary.v1.Tier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// The adapters of one answer, in the request's order, until it has ended.
final class Leases implements AutoCloseable {
  private final List<AdapterChoice> choices;
  private final List<Lease> leases;
  private final long waitedNanos;

  /// @param waitedNanos how long the call waited until it had all of them
  Leases(List<AdapterChoice> choices, List<Lease> leases, long waitedNanos) {
    this.choices = List.copyOf(choices);
    this.leases = List.copyOf(leases);
    this.waitedNanos = waitedNanos;
  }

  /// How long the call waited for weights, in nanoseconds.
  long waitedNanos() {
    return waitedNanos;
  }

  /// For the engine.
  List<dev.tributary.server.model.AdapterUse> uses() {
    List<dev.tributary.server.model.AdapterUse> uses = new ArrayList<>(leases.size());
    for (int i = 0; i < leases.size(); i++) {
      uses.add(leases.get(i).use(choices.get(i).scale()));
    }
    return uses;
  }

  /// The answer for [Shadows], if the alias that led to its only adapter has a shadow and the
  /// generation is in its share.
  ///
  /// @param generated tokens of the answer
  Optional<Shadows.Answer> shadowed(AdapterStore store, Job job, List<Integer> generated) {
    if (leases.size() != 1 || generated.isEmpty()) {
      return Optional.empty();
    }
    AdapterChoice choice = choices.getFirst();
    AdapterVersion version = leases.getFirst().version();
    int from = job.prompt().length;
    int[] tokens = Arrays.copyOf(job.prompt(), from + generated.size());
    for (int i = 0; i < generated.size(); i++) {
      tokens[from + i] = generated.get(i);
    }
    return store
        .shadow(choice.ref(), version, job.id())
        .map(
            shadow ->
                new Shadows.Answer(
                    job.id(),
                    job.tenant(),
                    job.weight(),
                    version,
                    shadow,
                    choice.scale(),
                    tokens,
                    from));
  }

  /// For the caller.
  List<AdapterUse> told() {
    List<AdapterUse> told = new ArrayList<>(leases.size());
    for (int i = 0; i < leases.size(); i++) {
      Lease lease = leases.get(i);
      AdapterVersion version = lease.version();
      told.add(
          AdapterUse.newBuilder()
              .setName(version.tenant() + "/" + version.name())
              .setVersion(version.number())
              .setDigest(version.digest())
              .setTier(tier(lease.tier()))
              .setLoadTime(Times.duration(lease.loadTime()))
              .setScale(choices.get(i).scale())
              .build());
    }
    return told;
  }

  /// For the ledger.
  List<dev.tributary.record.AdapterUse> recorded() {
    List<dev.tributary.record.AdapterUse> recorded = new ArrayList<>(leases.size());
    for (int i = 0; i < leases.size(); i++) {
      AdapterVersion version = leases.get(i).version();
      recorded.add(
          new dev.tributary.record.AdapterUse(
              version.tenant() + "/" + version.name(),
              version.number(),
              Hash.ofText(version.digest()),
              choices.get(i).scale()));
    }
    return recorded;
  }

  List<String> digests() {
    return leases.stream().map(lease -> lease.version().digest()).toList();
  }

  static Tier tier(dev.tributary.server.adapter.Tier tier) {
    return switch (tier) {
      case DEVICE -> Tier.TIER_DEVICE;
      case HOST -> Tier.TIER_HOST;
      case DISK -> Tier.TIER_DISK;
    };
  }

  @Override
  public void close() {
    leases.forEach(Lease::close);
  }
}
