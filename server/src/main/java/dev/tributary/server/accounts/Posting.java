package dev.tributary.server.accounts;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterUse;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.AuditRecord;
import dev.tributary.record.CorrectionRecord;
import dev.tributary.record.ErasureRecord;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.Leaf;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.Record;
import dev.tributary.record.SaltedField;
import dev.tributary.record.SettlementRecord;
import dev.tributary.record.StartedRecord;
import dev.tributary.server.ledger.Entry;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/// Brings the view from one leaf to the next, within one transaction.
///
/// The same leaves give the same rows, however often some of their records were erased between: of
/// an erased record only what its leaf says in clear may be used.
final class Posting {
  private final Session session;
  private final AttributionPosting attributions;
  private final List<PriceRule> rules;

  /// @param session in a transaction that writes
  Posting(Session session) throws SQLException {
    this.session = session;
    this.attributions = new AttributionPosting(session);
    this.rules = PriceRule.all(session);
  }

  /// @throws dev.tributary.record.RecordException if the leaf is none of ours
  void post(Entry entry) throws SQLException {
    long leaf = entry.index();
    List<Leaf> leaves = entry.leaves();
    Optional<Record> record = entry.record();
    switch (entry.kind()) {
      case STARTED -> {
        if (record.orElse(null) instanceof StartedRecord started) {
          started(leaf, started);
        }
      }
      case GENERATION -> {
        generation(leaf, GenerationRecord.hour(entry.leaf()));
        if (record.orElse(null) instanceof GenerationRecord generation) {
          known(leaf, generation);
        }
      }
      case ATTRIBUTION ->
          attributions.attribution(
              leaf, AttributionRecord.Open.of(leaves), names(record, AttributionRecord.class));
      case CORRECTION ->
          attributions.correction(
              leaf, CorrectionRecord.Open.of(leaves), names(record, CorrectionRecord.class));
      case AUDIT -> attributions.remark(AuditRecord.Open.of(leaves).generationLeaf(), leaf);
      case ERASURE -> erasure(leaf, ErasureRecord.Open.of(leaves).erasedLeaf());
      case ADAPTER_BUILD -> {
        if (record.orElse(null) instanceof AdapterBuildRecord build) {
          build(leaf, build);
        }
      }
      case PRICE_RULE -> {
        if (record.orElse(null) instanceof PriceRuleRecord rule) {
          rule(leaf, rule);
        }
      }
      case SETTLEMENT -> {
        if (record.orElse(null) instanceof SettlementRecord settlement) {
          settlement(leaf, settlement);
        }
      }
      case KEY_ROTATION -> session.run("INSERT INTO rotations (leaf) VALUES (?)", leaf);
      case CONTRIBUTION, WITHDRAWAL, CONTINUATION -> {
        // They are of no account.
      }
    }
  }

  /// Of the contributors, in the order of the shares; empty if they are erased.
  private static Optional<List<String>> names(
      Optional<Record> record, Class<? extends Record> kind) {
    return record
        .filter(kind::isInstance)
        .map(
            of ->
                of instanceof AttributionRecord attribution
                    ? attribution.contributors()
                    : ((CorrectionRecord) of).contributors());
  }

  private void started(long leaf, StartedRecord started) throws SQLException {
    session.run(
        "INSERT INTO started (leaf, id, tenant, micros) VALUES (?, ?, ?, ?)",
        leaf,
        started.id(),
        started.tenant(),
        started.timeMicros());
  }

  /// What its leaf shows to all.
  private void generation(long leaf, long hour) throws SQLException {
    session.run("INSERT INTO generations (leaf, hour) VALUES (?, ?)", leaf, hour);
  }

  private void known(long leaf, GenerationRecord generation) throws SQLException {
    long hour = Record.hour(generation.endMicros());
    Long rule =
        PriceRule.inForce(rules, generation.tenant(), hour, leaf).map(PriceRule::leaf).orElse(null);
    session.run(
        """
        UPDATE generations SET id = ?, tenant = ?, base = ?, ended = ?, started_leaf = ?,
          start_micros = ?, end_micros = ?, prompt = ?, cached = ?, completion = ?, rule = ?
        WHERE leaf = ?""",
        generation.id(),
        generation.tenant(),
        generation.base(),
        generation.end(),
        generation.startedLeaf(),
        generation.startMicros(),
        generation.endMicros(),
        generation.usage().prompt(),
        generation.usage().cached(),
        generation.usage().completion(),
        rule,
        leaf);
    int position = 0;
    for (AdapterUse use : generation.adapters()) {
      session.run(
          """
          INSERT INTO adapters (generation, position, tenant, name, number, digest, scale_bits)
          VALUES (?, ?, ?, ?, ?, ?, ?)""",
          leaf,
          position++,
          use.name().substring(0, Math.max(0, use.name().indexOf('/'))),
          use.name(),
          use.number(),
          use.digest(),
          Float.floatToRawIntBits(use.scale()));
    }
    session.run("DELETE FROM started WHERE leaf = ?", generation.startedLeaf());
  }

  /// Takes back all that only the erased record said.
  private void erasure(long leaf, long erased) throws SQLException {
    int generations =
        session.run(
            """
            UPDATE generations SET id = NULL, tenant = NULL, base = NULL, ended = NULL,
              started_leaf = NULL, start_micros = NULL, end_micros = NULL, prompt = NULL,
              cached = NULL, completion = NULL, rule = NULL, erasure = COALESCE(erasure, ?)
            WHERE leaf = ?""",
            leaf,
            erased);
    if (generations > 0) {
      session.run("DELETE FROM adapters WHERE generation = ?", erased);
      session.run("DELETE FROM shares WHERE generation = ?", erased);
      session.run(
          "UPDATE remarks SET erasure = ? WHERE generation = ? AND erasure IS NULL", leaf, erased);
    }
    session.run("DELETE FROM remarks WHERE leaf = ?", erased);
    session.run("DELETE FROM shares WHERE attribution = ?", erased);
    session.run("DELETE FROM started WHERE leaf = ?", erased);
  }

  private void build(long leaf, AdapterBuildRecord build) throws SQLException {
    session.run(
        """
        INSERT INTO builds (leaf, digest, provenance, method, tenant, name, number, pseudonym_key)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        leaf,
        build.open().adapter(),
        build.open().provenance(),
        build.open().method(),
        build.tenant(),
        build.tenant() + "/" + build.name(),
        build.number(),
        HexFormat.of().formatHex(build.pseudonymKey()));
  }

  private void rule(long leaf, PriceRuleRecord record) throws SQLException {
    PriceRule rule =
        new PriceRule(
            leaf,
            record.open().hour(),
            record.tenant(),
            record.open().currency(),
            record.open().promptMicros(),
            record.open().completionMicros(),
            record.open().contributorsPpm(),
            record.note());
    session.run(
        """
        INSERT INTO price_rules (leaf, hour, tenant, currency, prompt_micros, completion_micros,
          contributors_ppm, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        rule.leaf(),
        rule.hour(),
        rule.tenant(),
        rule.currency(),
        rule.promptMicros(),
        rule.completionMicros(),
        rule.contributorsPpm(),
        rule.note());
    rules.add(rule);
  }

  private void settlement(long leaf, SettlementRecord record) throws SQLException {
    SettlementRecord.Open open = record.open();
    session.run(
        """
        INSERT INTO settlements (leaf, hour, from_hour, to_hour, first_leaf, last_leaf, currency,
          fees, credited, unattributed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        leaf,
        open.hour(),
        open.fromHour(),
        open.toHour(),
        open.firstLeaf(),
        open.lastLeaf(),
        open.currency(),
        open.fees(),
        open.credited(),
        open.unattributed());
    int position = 0;
    for (SaltedField field : record.lines()) {
      SettlementRecord.Line line = SettlementRecord.Line.of(field);
      session.run(
          """
          INSERT INTO settlement_lines (settlement, position, tenant, contributor, digest,
            generations, ppm, micros) VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
          leaf,
          position++,
          line.tenant(),
          line.contributor(),
          line.adapter(),
          line.generations(),
          line.ppm(),
          line.micros());
    }
    session.run(
        """
        UPDATE generations SET settlement = ?
        WHERE settlement IS NULL AND hour < ? AND leaf <= ?""",
        leaf,
        open.toHour(),
        open.lastLeaf());
  }
}
