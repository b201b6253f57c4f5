package dev.tributary.server.train;

import java.util.List;

/// What a run is to train on.
///
/// @param manifest digest; empty: the examples are to be registered first
/// @param contributions ids of a manifest that is made of registered ones, in its order; empty: it
///   is registered already, or will be
/// @param lines a line for each contribution of the manifest, in its order
/// @param dataset what they are to the trainer
public record RunSource(
    String manifest, List<String> contributions, byte[] lines, Dataset dataset) {
  public RunSource {
    contributions = List.copyOf(contributions);
  }

  /// The same, registered.
  public RunSource registered(String digest) {
    return new RunSource(digest, contributions, lines, dataset);
  }
}
