package dev.tributary.server.state;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What an immutable version is, known when it is published.
///
/// @param digest adapter digest, `sha256:<hex>`
/// @param baseDigest of the base it is bound to
/// @param baseMismatchAllowed bound although it does not state this base's identity
/// @param rank that most of its modules have; 0 if it has no low-rank pairs
/// @param targets names of the modules it changes, by suffix (`q_proj`), sorted
/// @param parameters trained numbers
/// @param weightsBytes in the host tier
/// @param dora weight-decomposed
/// @param alone can only be used at scale 1 and without other adapters
/// @param baseName `base_model_name_or_path` as it states it; empty where it states none
/// @param manifestDigest Merkle root of its manifest of contributions; empty where it has none
/// @param folder absolute, where a linked version lies; null: in the store
/// @param storedBytes in the store, counted against the tenant's quota; 0 for a linked version
public record VersionFacts(
    String digest,
    String baseDigest,
    boolean baseMismatchAllowed,
    Origin origin,
    int rank,
    List<String> targets,
    long parameters,
    long weightsBytes,
    boolean dora,
    boolean alone,
    String baseName,
    String manifestDigest,
    @Nullable Path folder,
    long storedBytes) {
  public VersionFacts {
    Checks.digest(digest);
    Checks.text("base digest", baseDigest, 100);
    Checks.text("base name", baseName, 1_000);
    Checks.text("manifest digest", manifestDigest, 100);
    Checks.range("rank", rank, 0, Integer.MAX_VALUE);
    Checks.range("parameters", parameters, 0, Long.MAX_VALUE);
    Checks.range("weights bytes", weightsBytes, 0, Long.MAX_VALUE);
    Checks.range("stored bytes", storedBytes, 0, folder == null ? Long.MAX_VALUE : 0);
    Checks.range("number of targets", targets.size(), 0, 1_000);
    targets = List.copyOf(targets);
  }

  /// The same, built from a manifest.
  ///
  /// @param digest empty for none
  public VersionFacts ofManifest(String digest) {
    return of(origin, digest);
  }

  /// The same, trained here on a manifest.
  public VersionFacts trainedHereOn(String manifest) {
    Checks.digest(manifest);
    return of(Origin.TRAINED_HERE, manifest);
  }

  private VersionFacts of(Origin origin, String manifest) {
    return new VersionFacts(
        digest,
        baseDigest,
        baseMismatchAllowed,
        origin,
        rank,
        targets,
        parameters,
        weightsBytes,
        dora,
        alone,
        baseName,
        manifest,
        folder,
        storedBytes);
  }
}
