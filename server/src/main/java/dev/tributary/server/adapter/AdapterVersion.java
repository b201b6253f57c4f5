package dev.tributary.server.adapter;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.state.VersionRecord;
import java.time.Instant;
import java.util.List;

/// One immutable version of an adapter, pinned to its digest.
///
/// @param number from 1
/// @param digest adapter digest, `sha256:<hex>`
/// @param baseName `base_model_name_or_path` as the adapter states it; empty where it states none
/// @param rank that most of its modules have; 0 if it has no low-rank pairs
/// @param targets names of the modules it changes, by suffix (`q_proj`), sorted
/// @param parameters trained numbers
/// @param bytes of its tensors in the file
/// @param dora weight-decomposed
/// @param alone can only be used at scale 1 and without other adapters: DoRA, or replaced norms or
///   head
/// @param created when it was published
public record AdapterVersion(
    String tenant,
    String name,
    int number,
    String digest,
    String baseName,
    int rank,
    List<String> targets,
    long parameters,
    long bytes,
    boolean dora,
    boolean alone,
    Instant created) {
  public AdapterVersion {
    if (number < 1) {
      throw new IllegalArgumentException("version " + number);
    }
    targets = List.copyOf(targets);
  }

  public static AdapterVersion of(VersionRecord version) {
    return of(version.adapter(), version.number(), version.facts(), version.created());
  }

  static AdapterVersion of(AdapterName adapter, int number, VersionFacts facts, Instant created) {
    return new AdapterVersion(
        adapter.tenant(),
        adapter.name(),
        number,
        facts.digest(),
        facts.baseName(),
        facts.rank(),
        facts.targets(),
        facts.parameters(),
        facts.weightsBytes(),
        facts.dora(),
        facts.alone(),
        created);
  }
}
