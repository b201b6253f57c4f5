package dev.tributary.server.accounts;

import dev.tributary.record.Record;
import dev.tributary.record.SaltedField;
import dev.tributary.record.SettlementRecord;
import dev.tributary.server.accounts.Statement.LineProof;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Makes statements.
final class Statements {
  /// What an adapter version is called.
  private record Version(String name, int number) {}

  private final Ledger ledger;

  Statements(Ledger ledger) {
    this.ledger = ledger;
  }

  Statement of(Session session, String contributor, long fromHour, long toHour)
      throws SQLException {
    List<Statement.Line> lines = new ArrayList<>();
    List<LineProof> proofs = new ArrayList<>();
    List<Settlement> settlements = Settlements.within(session, fromHour, toHour);
    for (Settlement settlement : settlements) {
      for (SettlementRecord.Line line : settlement.lines()) {
        if (line.contributor().equals(contributor)) {
          lines.add(line(session, line, true));
        }
      }
      proofs.addAll(proofs(settlement.leaf(), contributor));
    }
    long openFrom = Math.max(fromHour, Settlements.openFrom(session));
    Credit open = Settlements.open(session, contributor, fromHour, toHour);
    for (SettlementRecord.Line line : open.sofar()) {
      lines.add(line(session, line, false));
    }
    boolean closed = openFrom >= toHour && !settlements.isEmpty();
    return new Statement(
        contributor,
        fromHour,
        toHour,
        PriceRule.all(session).stream().map(PriceRule::currency).findFirst().orElse(""),
        lines,
        closed ? OptionalLong.of(settlements.getLast().leaf()) : OptionalLong.empty(),
        proofs);
  }

  private static Statement.Line line(Session session, SettlementRecord.Line line, boolean settled)
      throws SQLException {
    Version version =
        session
            .one(
                "SELECT name, number FROM builds WHERE digest = ? AND tenant = ? ORDER BY leaf LIMIT 1",
                row -> new Version(row.getString("name"), row.getInt("number")),
                line.adapter(),
                line.tenant())
            .orElse(new Version(line.tenant() + "/", 0));
    return new Statement.Line(
        version.name,
        version.number,
        line.adapter(),
        line.generations(),
        line.ppm(),
        line.micros(),
        settled);
  }

  private List<LineProof> proofs(long settlement, String contributor) {
    Optional<Record> record = ledger.entry(settlement).record();
    if (!(record.orElse(null) instanceof SettlementRecord settled)) {
      return List.of();
    }
    List<SaltedField> lines = settled.lines();
    List<Hash> hashes = lines.stream().map(line -> Merkle.leaf(line.commitment().bytes())).toList();
    List<LineProof> proofs = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      if (SettlementRecord.Line.of(lines.get(i)).contributor().equals(contributor)) {
        List<Hash> path = Merkle.inclusionProof(i, lines.size(), Merkle.of(hashes));
        proofs.add(new LineProof(settlement, lines.get(i), i, lines.size(), path));
      }
    }
    return proofs;
  }
}
