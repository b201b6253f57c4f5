package dev.tributary.server.accounts;

import dev.tributary.record.SettlementRecord;
import dev.tributary.server.accounts.Credit.Part;
import dev.tributary.server.accounts.Credit.Payee;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.security.SecureRandom;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Closes periods.
final class Settlements {
  /// Priced generations with the parts of those who are paid for them, by the attribution that
  /// counted up to some leaf. The condition on `g` follows.
  private static final String PRICED =
      """
      SELECT g.leaf, g.prompt, g.completion, g.rule, s.tenant, s.contributor, s.ppm,
        s.digest
      FROM generations g
      LEFT JOIN shares s ON s.paid = 1 AND s.attribution =
        (SELECT MAX(a.leaf) FROM attributions a WHERE a.generation = g.leaf AND a.leaf <= ?)
      WHERE g.rule IS NOT NULL
      """;

  private final Ledger ledger;
  private final SecureRandom random = new SecureRandom();

  Settlements(Ledger ledger) {
    this.ledger = ledger;
  }

  /// What closes the period up to an hour, as the view is now.
  ///
  /// @param toHour the first after the period
  /// @param nowHour at least that
  SettlementRecord draw(Session session, long toHour, long nowHour) throws SQLException {
    Optional<Settlement> before = last(session);
    long from = before.map(Settlement::toHour).orElse(firstHour(session, toHour));
    if (toHour > nowHour || toHour <= from) {
      throw AccountsException.refused(
          "a period must end after %s and not after %s"
              .formatted(Hours.text(from), Hours.text(nowHour)));
    }
    String currency =
        PriceRule.all(session).stream()
            .map(PriceRule::currency)
            .findFirst()
            .orElseThrow(
                () -> AccountsException.refused("there is no price rule, so nothing to settle"));
    long last =
        session.one("SELECT next_leaf FROM followed", row -> row.getLong(1)).orElseThrow() - 1;
    Credit credit =
        sum(
            session,
            PRICED + "AND g.settlement IS NULL AND g.hour < ? AND g.leaf <= ? ORDER BY g.leaf",
            last,
            toHour,
            last);
    Credit.Closing closing = credit.close(seed(last));
    return SettlementRecord.draw(
        nowHour,
        from,
        toHour,
        before.map(settled -> settled.lastLeaf() + 1).orElse(0L),
        last,
        currency,
        closing.fees(),
        closing.unattributed(),
        closing.lines(),
        random);
  }

  /// The first hour that anything is known of, and before `toHour`.
  private static long firstHour(Session session, long toHour) throws SQLException {
    Long first =
        session
            .one(
                "SELECT MIN(hour) AS first FROM generations",
                row -> Optional.ofNullable(Session.optionalLong(row, "first")))
            .flatMap(found -> found)
            .orElse(toHour - 1);
    return Math.min(first, toHour - 1);
  }

  /// The hash of the last leaf that is looked at: nobody can choose it, and everyone can read it.
  private Hash seed(long last) {
    return Merkle.leaf(ledger.log().leaf(last));
  }

  /// Computes a settlement again.
  Settlement.Recomputed recompute(Session session, Settlement settlement) throws SQLException {
    long erased =
        session
            .one(
                "SELECT COUNT(*) FROM generations WHERE settlement = ? AND tenant IS NULL",
                row -> row.getLong(1),
                settlement.leaf())
            .orElseThrow();
    Credit.Closing closing =
        sum(
                session,
                PRICED + "AND g.settlement = ? ORDER BY g.leaf",
                settlement.lastLeaf(),
                settlement.leaf())
            .close(seed(settlement.lastLeaf()));
    return new Settlement.Recomputed(
        erased,
        closing.fees() == settlement.fees()
            && closing.unattributed() == settlement.unattributed()
            && closing.lines().equals(settlement.lines()));
  }

  /// What a contributor would be credited for the generations of some hours that are not settled.
  static Credit open(Session session, String contributor, long fromHour, long toHour)
      throws SQLException {
    return sum(
        session,
        PRICED
            + "AND g.settlement IS NULL AND s.contributor = ? AND g.hour >= ? AND g.hour < ?"
            + " ORDER BY g.leaf",
        Long.MAX_VALUE,
        contributor,
        fromHour,
        toHour);
  }

  /// Adds up rows of [#PRICED], all of a generation's being together.
  private static Credit sum(Session session, String sql, @Nullable Object... arguments)
      throws SQLException {
    Map<Long, PriceRule> rules =
        PriceRule.all(session).stream()
            .collect(Collectors.toMap(PriceRule::leaf, Function.identity()));
    Summing summing = new Summing(rules);
    session.each(sql, summing::take, arguments);
    summing.flush();
    return summing.credit;
  }

  private static final class Summing {
    private final Map<Long, PriceRule> rules;
    private final Credit credit = new Credit();
    private final List<Part> parts = new ArrayList<>();
    private long generation = -1;
    private long prompt;
    private long completion;
    private @Nullable PriceRule rule;

    Summing(Map<Long, PriceRule> rules) {
      this.rules = rules;
    }

    void take(ResultSet row) throws SQLException {
      if (row.getLong("leaf") != generation) {
        flush();
        generation = row.getLong("leaf");
        prompt = row.getLong("prompt");
        completion = row.getLong("completion");
        rule = rules.get(row.getLong("rule"));
      }
      if (row.getString("contributor") != null) {
        Payee payee =
            new Payee(
                row.getString("tenant"),
                row.getString("contributor"),
                Hash.ofText(row.getString("digest")));
        parts.add(new Part(payee, row.getInt("ppm")));
      }
    }

    void flush() {
      if (rule != null) {
        credit.add(prompt, completion, rule, parts);
      }
      rule = null;
      parts.clear();
    }
  }

  /// The hour of the generations that still can be settled: none before it.
  static long openFrom(Session session) throws SQLException {
    return last(session).map(Settlement::toHour).orElse(0L);
  }

  static Optional<Settlement> last(Session session) throws SQLException {
    Optional<Settlement> last =
        session.one("SELECT * FROM settlements ORDER BY leaf DESC LIMIT 1", Settlements::row);
    return last.isPresent() ? Optional.of(whole(session, last.get())) : last;
  }

  /// Without their lines, the newest first.
  static List<Settlement> before(Session session, long leaf, int most) throws SQLException {
    return session.all(
        "SELECT * FROM settlements WHERE leaf < ? ORDER BY leaf DESC LIMIT ?",
        Settlements::row,
        leaf,
        most);
  }

  /// Lines of a settlement in their order.
  static List<SettlementRecord.Line> lines(Session session, long settlement, long from, int most)
      throws SQLException {
    return session.all(
        """
        SELECT * FROM settlement_lines WHERE settlement = ? AND position >= ?
        ORDER BY position LIMIT ?""",
        row ->
            new SettlementRecord.Line(
                row.getString("tenant"),
                row.getString("contributor"),
                Hash.ofText(row.getString("digest")),
                row.getLong("generations"),
                row.getLong("ppm"),
                row.getLong("micros")),
        settlement,
        from,
        most);
  }

  static Optional<Settlement> byLeaf(Session session, long leaf) throws SQLException {
    Optional<Settlement> found =
        session.one("SELECT * FROM settlements WHERE leaf = ?", Settlements::row, leaf);
    return found.isPresent() ? Optional.of(whole(session, found.get())) : found;
  }

  /// Those whose periods lie within these hours.
  static List<Settlement> within(Session session, long fromHour, long toHour) throws SQLException {
    List<Settlement> found = new ArrayList<>();
    for (Settlement each :
        session.all(
            "SELECT * FROM settlements WHERE from_hour >= ? AND to_hour <= ? ORDER BY leaf",
            Settlements::row,
            fromHour,
            toHour)) {
      found.add(whole(session, each));
    }
    return found;
  }

  private static Settlement row(ResultSet row) throws SQLException {
    return new Settlement(
        row.getLong("leaf"),
        row.getLong("hour"),
        row.getLong("from_hour"),
        row.getLong("to_hour"),
        row.getLong("first_leaf"),
        row.getLong("last_leaf"),
        row.getString("currency"),
        row.getLong("fees"),
        row.getLong("credited"),
        row.getLong("unattributed"),
        List.of());
  }

  private static Settlement whole(Session session, Settlement found) throws SQLException {
    List<SettlementRecord.Line> lines = lines(session, found.leaf(), 0, Integer.MAX_VALUE);
    return new Settlement(
        found.leaf(),
        found.hour(),
        found.fromHour(),
        found.toHour(),
        found.firstLeaf(),
        found.lastLeaf(),
        found.currency(),
        found.fees(),
        found.credited(),
        found.unattributed(),
        lines);
  }
}
