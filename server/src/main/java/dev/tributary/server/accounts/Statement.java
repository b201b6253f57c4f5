package dev.tributary.server.accounts;

import dev.tributary.record.SaltedField;
import dev.tributary.tlog.Hash;
import java.util.List;
import java.util.OptionalLong;

/// What one contributor's data did in a period, and earned. Amounts are millionths of the
/// currency's unit.
///
/// @param fromHour since 1970
/// @param toHour exclusive
/// @param currency empty as long as nothing has a price
/// @param lines settled ones, then open ones
/// @param settlement the leaf that closed the period; empty while some of it is open
/// @param proofs of the settled lines, one by one
public record Statement(
    String contributor,
    long fromHour,
    long toHour,
    String currency,
    List<Line> lines,
    OptionalLong settlement,
    List<LineProof> proofs) {
  public Statement {
    lines = List.copyOf(lines);
    proofs = List.copyOf(proofs);
  }

  /// Of one version of an adapter, settled or open.
  ///
  /// @param adapter `tenant/name`
  /// @param generations answers with a share
  /// @param ppm sum of the shares
  /// @param micros earned; for open ones what it would be now, rounded down
  /// @param settled false for what can still change
  public record Line(
      String adapter,
      int number,
      Hash digest,
      long generations,
      long ppm,
      long micros,
      boolean settled) {}

  /// That a line stands in a settlement, for its contributor alone.
  ///
  /// @param settlement the leaf whose open fields have the root over `lines` lines
  /// @param line opened; [dev.tributary.record.SettlementRecord.Line#of] reads it
  /// @param position of the line
  /// @param lines how many there are
  /// @param path from the line's commitment, hashed as a leaf, to the root
  public record LineProof(
      long settlement, SaltedField line, int position, int lines, List<Hash> path) {
    public LineProof {
      path = List.copyOf(path);
    }
  }

  public long micros() {
    return lines.stream().mapToLong(Line::micros).sum();
  }
}
