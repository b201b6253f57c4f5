package dev.tributary.server.accounts;

import dev.tributary.record.SettlementRecord;
import java.util.List;

/// A period that was closed. Amounts are millionths of the currency's unit; what of the fees is
/// neither credited nor unattributed is the operator's.
///
/// @param leaf that says so
/// @param hour of the leaf, since 1970
/// @param fromHour first hour of the period
/// @param toHour first hour after it
/// @param firstLeaf the first leaf that was looked at
/// @param lastLeaf the last leaf that was looked at
/// @param unattributed nobody's: held, or refunded
/// @param lines what each contributor is credited for each version
public record Settlement(
    long leaf,
    long hour,
    long fromHour,
    long toHour,
    long firstLeaf,
    long lastLeaf,
    String currency,
    long fees,
    long credited,
    long unattributed,
    List<SettlementRecord.Line> lines) {
  public Settlement {
    lines = List.copyOf(lines);
  }

  /// What came out when a settlement was computed again from what is still there.
  ///
  /// @param erased generations of the period that nothing is known of any more
  /// @param same whether every amount is that of the settlement
  public record Recomputed(long erased, boolean same) {}
}
