package dev.tributary.client;

import dev.tributary.record.Leaf;
import dev.tributary.record.RecordException;
import dev.tributary.record.SaltedField;
import dev.tributary.record.SettlementRecord;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.v1.Statement;
import dev.tributary.v1.TimeRange;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/// Whether a statement's settled lines stand in settlements that are in the log.
public final class StatementCheck {
  /// What settled lines of one adapter version say together.
  private record Sum(long generations, long ppm, long micros) {
    static final Sum NOTHING = new Sum(0, 0, 0);

    Sum plus(long moreGenerations, long morePpm, long moreMicros) {
      return new Sum(
          Math.addExact(generations, moreGenerations),
          Math.addExact(ppm, morePpm),
          Math.addExact(micros, moreMicros));
    }
  }

  private final Ledger ledger;
  private final Head head;
  private final Set<Long> included = new HashSet<>();

  /// @param head believed, and not older than the statement
  public StatementCheck(Ledger ledger, Head head) {
    this.ledger = ledger;
    this.head = head;
  }

  /// @param asked the period that the statement has to be of, whole hours
  /// @return how many settlements its proofs lead to
  /// @throws TributaryException if a call failed
  /// @throws UnmetException if a settled line is not proved, or the statement does not add up
  public int require(Statement statement, TimeRange asked) {
    if (!statement.getPeriod().equals(asked)) {
      throw new UnmetException("the statement is of another period than was asked for");
    }
    Map<String, Sum> proved = new HashMap<>();
    Set<List<Long>> seen = new HashSet<>();
    for (Statement.LineProof proof : statement.getProofsList()) {
      if (!seen.add(List.of(proof.getLeafIndex(), (long) proof.getPosition()))) {
        throw new UnmetException("a line of settlement " + proof.getLeafIndex() + " comes twice");
      }
      SettlementRecord.Line line = line(statement, proof);
      proved.merge(
          line.tenant() + " " + line.adapter().text(),
          Sum.NOTHING.plus(line.generations(), line.ppm(), line.micros()),
          (a, b) -> a.plus(b.generations(), b.ppm(), b.micros()));
    }
    Map<String, Sum> said = new HashMap<>();
    long micros = 0;
    for (Statement.Line line : statement.getLinesList()) {
      micros = Math.addExact(micros, line.getAmountMicros());
      if (line.getSettled()) {
        said.merge(
            tenant(line.getAdapter()) + " " + line.getDigest(),
            Sum.NOTHING.plus(line.getGenerations(), line.getPpm(), line.getAmountMicros()),
            (a, b) -> a.plus(b.generations(), b.ppm(), b.micros()));
      }
    }
    if (!said.equals(proved)) {
      throw new UnmetException("the settled lines are not those that the proofs are of");
    }
    if (micros != statement.getAmountMicros()) {
      throw new UnmetException("the lines do not sum to what the statement says");
    }
    return included.size();
  }

  /// Of `tenant/name`.
  private static String tenant(String adapter) {
    return adapter.substring(0, Math.max(0, adapter.indexOf('/')));
  }

  /// The line that a proof is of, which is this contributor's and in the log.
  private SettlementRecord.Line line(Statement statement, Statement.LineProof proof) {
    long index = proof.getLeafIndex();
    byte[] leaf = proof.getLeaf().toByteArray();
    SaltedField field;
    SettlementRecord.Open open;
    SettlementRecord.Line line;
    try {
      field =
          new SaltedField(
              proof.getLine().getTag(),
              proof.getLine().getSalt().toByteArray(),
              proof.getLine().getData().toByteArray());
      line = SettlementRecord.Line.of(field);
      open = SettlementRecord.Open.of(List.of(Leaf.decode(leaf)));
    } catch (RecordException e) {
      throw new UnmetException("leaf %d: %s".formatted(index, e.getMessage()));
    }
    List<Hash> path = Ledger.hashes(proof.getHashesList(), Merkle.MAX_INCLUSION);
    if (!Merkle.included(
        Merkle.leaf(field.commitment().bytes()),
        proof.getPosition(),
        proof.getLines(),
        path,
        open.lines())) {
      throw new UnmetException("a line is not in the settlement of leaf " + index);
    }
    if (!line.contributor().equals(statement.getContributor())
        || !open.currency().equals(statement.getCurrency())) {
      throw new UnmetException(
          "a line of the settlement of leaf " + index + " is another contributor's or currency's");
    }
    long second = TimeUnit.HOURS.toSeconds(1);
    if (open.fromHour() * second < statement.getPeriod().getStart().getSeconds()
        || open.toHour() * second > statement.getPeriod().getEnd().getSeconds()) {
      throw new UnmetException("the settlement of leaf " + index + " is of another period");
    }
    if (included.add(index)) {
      ledger.requireIncluded(Merkle.leaf(leaf), index, head);
    }
    return line;
  }
}
