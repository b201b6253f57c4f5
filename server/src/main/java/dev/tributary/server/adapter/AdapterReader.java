package dev.tributary.server.adapter;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.tributary.identity.PeftConfig;
import dev.tributary.identity.SafetensorsHeader;
import dev.tributary.server.adapter.PeftFolder.Contents;
import dev.tributary.server.adapter.PeftFolder.FileStamp;
import dev.tributary.server.adapter.PeftLayout.PairTensors;
import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.state.Origin;
import dev.tributary.server.state.VersionFacts;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Reads adapters for one base: what they are, and their weights.
final class AdapterReader {
  /// Proofs that are remembered.
  private static final int MAX_PROVEN = 100_000;

  private final BaseWeights base;
  private final BaseIdentity identity;
  private final EffectProof proof;
  private final long limit;
  private final Cache<Proof, Boolean> proven =
      Caffeine.newBuilder().maximumSize(MAX_PROVEN).build();

  /// What was proven.
  private record Proof(String tenant, String digest, Optional<FileStamp> examples) {}

  /// @param limit most bytes that an adapter may take
  AdapterReader(BaseWeights base, BaseIdentity identity, EffectProof proof, long limit) {
    this.base = base;
    this.identity = identity;
    this.proof = proof;
    this.limit = limit;
  }

  /// Refuses a weights file of more bytes than can be served, before anybody sends it.
  void requireFits(long bytes) {
    if (bytes > limit) {
      throw new AdapterException(new AdapterRefusal.TooLarge(bytes, limit));
    }
  }

  /// What the folder holds, checked as far as that is possible without the values of its tensors.
  ///
  /// @param allowBaseMismatch bind it although it does not state this base's identity
  /// @param linked where the files will stay; null if they go into the store
  /// @throws AdapterException if it cannot be served
  VersionFacts describe(PeftFolder folder, boolean allowBaseMismatch, @Nullable Path linked) {
    Contents contents = folder.scan(limit, proof.pace());
    PeftConfig config = contents.config();
    PeftLayout layout = layout(contents, allowBaseMismatch);
    Map<String, SafetensorsHeader.Tensor> tensors = contents.header().tensors();
    String baseName = config.baseModel();
    return new VersionFacts(
        contents.digest(),
        identity.digest(),
        allowBaseMismatch && !identity.matches(statedDigest(contents), baseName),
        Origin.CLAIMED,
        rank(layout),
        targets(layout),
        tensors.values().stream().mapToLong(SafetensorsHeader.Tensor::elements).sum(),
        tensors.values().stream().mapToLong(tensor -> tensor.end() - tensor.begin()).sum(),
        config.useDora(),
        config.useDora() || !layout.norms().isEmpty() || layout.head() != null,
        baseName == null ? "" : baseName,
        "",
        linked,
        linked == null ? folder.bytes() : 0);
  }

  /// Loads the weights of `version` and proves that they have an effect. The digest is computed of
  /// the very bytes that are served.
  ///
  /// @throws AdapterException if the files are not those of the version any more, or the adapter
  ///   cannot be served
  LoraWeights load(PeftFolder folder, AdapterVersion version, boolean allowBaseMismatch) {
    LoraWeights weights = read(folder, version, allowBaseMismatch);
    try {
      if (weights.bytes() > limit) {
        throw new AdapterException(new AdapterRefusal.TooLarge(weights.bytes(), limit));
      }
      prove(weights, folder, version);
      return weights;
    } catch (RuntimeException | Error e) {
      weights.release();
      throw e;
    }
  }

  /// [#load] without the proof.
  LoraWeights read(PeftFolder folder, AdapterVersion version, boolean allowBaseMismatch) {
    Pace pace = proof.pace();
    try (PeftFolder.Loaded loaded = loadOffered(folder, version, pace)) {
      String digest = loaded.contents().digest();
      if (!digest.equals(version.digest())) {
        throw corrupt(version, "they have digest " + digest, null);
      }
      PeftLayout layout = layout(loaded.contents(), allowBaseMismatch);
      return new PeftReader(base, loaded.weights().bytes(), pace).read(layout);
    }
  }

  /// Once for each version and set of examples: the same weights have the same effect on the same
  /// base, and a proof takes steps from the answers under way.
  private void prove(LoraWeights weights, PeftFolder folder, AdapterVersion version) {
    Proof key = new Proof(version.tenant(), version.digest(), folder.stamp().probe());
    if (proven.getIfPresent(key) == null) {
      proof.require(weights, ProbeFile.read(folder.path().resolve(ProbeFile.NAME)));
      proven.put(key, true);
    }
  }

  /// Files that were fine when they were offered and no longer are have changed.
  private PeftFolder.Loaded loadOffered(PeftFolder folder, AdapterVersion version, Pace pace) {
    try {
      return folder.load(limit, pace);
    } catch (AdapterException e) {
      if (e.refusal() instanceof AdapterRefusal.Unreadable) {
        throw e;
      }
      throw corrupt(version, e.refusal().message(), e);
    }
  }

  private PeftLayout layout(Contents contents, boolean allowBaseMismatch) {
    if (!allowBaseMismatch) {
      identity.require(statedDigest(contents), contents.config().baseModel());
    }
    return PeftLayout.bind(contents.config(), contents.header(), base.config());
  }

  private static @Nullable String statedDigest(Contents contents) {
    return contents.header().metadata().get(BaseIdentity.DIGEST_KEY);
  }

  private static AdapterException corrupt(
      AdapterVersion version, String found, @Nullable Throwable cause) {
    return new AdapterException(
        new AdapterRefusal.Corrupt(version.name(), version.digest(), found), cause);
  }

  /// The most frequent rank, the higher of equally frequent ones.
  private static int rank(PeftLayout layout) {
    return layout.pairs().values().stream()
        .collect(groupingBy(PairTensors::rank, counting()))
        .entrySet()
        .stream()
        .max(Map.Entry.<Integer, Long>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
        .map(Map.Entry::getKey)
        .orElse(0);
  }

  /// The last parts of the changed modules' names, such as `q_proj`.
  private static List<String> targets(PeftLayout layout) {
    Stream<String> pairs = layout.pairs().keySet().stream().map(site -> site.projection().path());
    Stream<String> norms = layout.norms().keySet().stream().map(PeftLayout::module);
    Stream<String> head = layout.head() == null ? Stream.of() : Stream.of(PeftLayout.HEAD);
    return Stream.of(pairs, norms, head)
        .flatMap(names -> names)
        .map(name -> name.substring(name.lastIndexOf('.') + 1))
        .distinct()
        .sorted()
        .toList();
  }
}
