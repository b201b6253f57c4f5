package dev.tributary.server.adapter;

import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.state.VersionRecord;

/// Told of each version before its weights are first used: what it was built of has to be recorded
/// by then.
public interface Builds {
  /// For servers that record nothing.
  Builds UNRECORDED = (version, weights) -> {};

  /// Returns once it is recorded, now or at any time before. Called by loaders' threads, whenever
  /// the version's weights were read.
  ///
  /// @param weights held by the caller until this returns
  /// @throws RuntimeException if it can't be recorded: the version is not served then, and asked
  ///   for again at the next load
  void record(VersionRecord version, LoraWeights weights);
}
