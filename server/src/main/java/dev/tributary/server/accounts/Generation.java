package dev.tributary.server.accounts;

import dev.tributary.record.AdapterUse;
import dev.tributary.record.EndReason;
import dev.tributary.record.GenerationRecord.Usage;
import dev.tributary.tlog.Hash;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// A generation that ended and is not erased.
///
/// @param leaf of its record
/// @param base empty where it is not known, for an interrupted one
/// @param adapters in the request's order
/// @param attribution that counts now
/// @param settlement leaf of the settlement that closed its period
public record Generation(
    long leaf,
    String id,
    String tenant,
    Optional<Hash> base,
    List<AdapterUse> adapters,
    EndReason end,
    Usage usage,
    long startedLeaf,
    long startMicros,
    long endMicros,
    Optional<Attribution> attribution,
    OptionalLong settlement) {
  public Generation {
    adapters = List.copyOf(adapters);
  }

  /// Whose data an answer is credited to.
  ///
  /// @param leaf of an attribution, or of the correction that took its place
  /// @param method `correction` for one of those
  public record Attribution(
      long leaf, String method, List<Share> shares, int basePpm, int unattributedPpm) {
    public Attribution {
      shares = List.copyOf(shares);
    }
  }

  /// One contributor's part.
  ///
  /// @param paid whether it counts for credit: shares of a version that is only claimed do not
  public record Share(String contributor, int ppm, boolean paid) {}
}
