package dev.tributary.server.schedule;

import java.util.List;
import java.util.stream.Collectors;

/// Whose prefixes a sequence may share: those that the same tenant's requests left, computed by the
/// same base under the same adapters in the same order.
///
/// @param base digest of the base
public record Scope(String tenant, String base, List<Adapter> adapters) {
  public Scope {
    adapters = List.copyOf(adapters);
  }

  /// @param digest of the adapter version
  /// @param scaleBits the effective scale as float bits: what is not the same number is not the
  ///   same scale
  public record Adapter(String digest, int scaleBits) {}

  /// What the keys of first blocks begin with. No part can hold a line break, so parts can't run
  /// into one another.
  Hash hash() {
    String lines =
        adapters.stream()
            .map(adapter -> "\n" + adapter.digest + "\n" + adapter.scaleBits)
            .collect(Collectors.joining("", tenant + "\n" + base, ""));
    return Hash.of(lines);
  }
}
