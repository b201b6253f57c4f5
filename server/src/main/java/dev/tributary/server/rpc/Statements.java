package dev.tributary.server.rpc;

import com.google.protobuf.ByteString;
import dev.tributary.record.Record;
import dev.tributary.record.SaltedField;
import dev.tributary.record.SettlementRecord;
import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.accounts.Statement.Line;
import dev.tributary.server.accounts.Statement.LineProof;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.rpc.ProvenanceRequests.Period;
import dev.tributary.server.state.Role;
import dev.tributary.v1.ContributionReceipt;
import dev.tributary.v1.GetStatementRequest;
import dev.tributary.v1.Statement;
import java.util.List;

/// Statements: contributors' own, of their tenant's adapters; any for administrators.
///
/// Contributors are known by names that each tenant gives, so what another tenant's contributor of
/// the same name earned is none of theirs.
final class Statements {
  private final Ledger ledger;
  private final Accounts accounts;

  Statements(Ledger ledger, Accounts accounts) {
    this.ledger = ledger;
    this.accounts = accounts;
  }

  Statement of(GetStatementRequest request, Caller caller) {
    String contributor = ProvenanceRequests.name(request.getContributor(), "contributor");
    Period period = ProvenanceRequests.hours(request.getPeriod(), "period");
    boolean all = caller.role() == Role.ADMIN;
    if (!all && !contributor.equals(caller.contributor())) {
      throw Statuses.notFound("contributor", contributor);
    }
    dev.tributary.server.accounts.Statement found =
        accounts.statement(
            contributor,
            period.fromMicros() / Record.MICROS_PER_HOUR,
            period.toMicros() / Record.MICROS_PER_HOUR);
    List<Line> lines =
        found.lines().stream()
            .filter(line -> all || line.adapter().startsWith(caller.tenant() + "/"))
            .toList();
    Statement.Builder statement =
        Statement.newBuilder()
            .setContributor(contributor)
            .setPeriod(request.getPeriod())
            .setCurrency(found.currency())
            .setAmountMicros(lines.stream().mapToLong(Line::micros).sum());
    lines.forEach(line -> statement.addLines(line(line)));
    found.settlement().ifPresent(statement::setSettlementLeafIndex);
    found.proofs().stream()
        .filter(
            proof -> all || SettlementRecord.Line.of(proof.line()).tenant().equals(caller.tenant()))
        .forEach(proof -> statement.addProofs(proof(proof)));
    return statement.build();
  }

  private static Statement.Line line(Line line) {
    return Statement.Line.newBuilder()
        .setAdapter(line.adapter())
        .setNumber(line.number())
        .setDigest(line.digest().text())
        .setGenerations(line.generations())
        .setPpm(line.ppm())
        .setAmountMicros(line.micros())
        .setSettled(line.settled())
        .build();
  }

  private Statement.LineProof proof(LineProof proof) {
    Statement.LineProof.Builder told =
        Statement.LineProof.newBuilder()
            .setLeafIndex(proof.settlement())
            .setLeaf(ByteString.copyFrom(ledger.log().leaf(proof.settlement())))
            .setLine(field(proof.line()))
            .setPosition(proof.position())
            .setLines(proof.lines());
    proof.path().forEach(hash -> told.addHashes(ByteString.copyFrom(hash.bytes())));
    return told.build();
  }

  /// A salted field, opened.
  static ContributionReceipt.Field field(SaltedField field) {
    return ContributionReceipt.Field.newBuilder()
        .setTag(field.tag())
        .setSalt(ByteString.copyFrom(field.salt()))
        .setData(ByteString.copyFrom(field.data()))
        .build();
  }
}
