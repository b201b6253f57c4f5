package dev.tributary.server.accounts;

import dev.tributary.record.CorrectionRecord;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Record;
import dev.tributary.record.SettlementRecord;
import dev.tributary.record.Shares;
import dev.tributary.server.ledger.Ledger;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;

/// Records what the operator decides: prices, corrections, settlements. One at a time, each on a
/// view that has followed all before it, so that what was checked still holds when it is recorded.
final class Bookings {
  private final Database database;
  private final Ledger ledger;
  private final InstantSource time;
  private final Settlements settlements;
  private final Runnable catchUp;

  /// @param catchUp waits until all that is durable was followed
  Bookings(Database database, Ledger ledger, InstantSource time, Runnable catchUp) {
    this.database = database;
    this.ledger = ledger;
    this.time = time;
    this.settlements = new Settlements(ledger);
    this.catchUp = catchUp;
  }

  Settlements settlements() {
    return settlements;
  }

  private long micros() {
    return ChronoUnit.MICROS.between(Instant.EPOCH, time.instant());
  }

  private long append(Record record) {
    try {
      long leaf = ledger.append(record).join();
      catchUp.run();
      return leaf;
    } catch (CompletionException e) {
      throw new AccountsException(
          new AccountsException.Unavailable("the ledger does not take it: " + e.getCause()), e);
    }
  }

  synchronized long price(PriceRuleRecord rule) {
    catchUp.run();
    PriceRuleRecord.Open open = rule.open();
    long now = Record.hour(micros());
    if (open.hour() <= now) {
      throw AccountsException.refused(
          "a price is in effect from a later hour on than that of " + Hours.text(now));
    }
    if (Math.max(open.promptMicros(), open.completionMicros()) > PriceRule.MOST_MICROS) {
      throw AccountsException.refused(
          "a price is at most " + PriceRule.MOST_MICROS + " millionths per million tokens");
    }
    Optional<String> other =
        database.read(PriceRule::all).stream()
            .map(PriceRule::currency)
            .filter(currency -> !currency.equals(open.currency()))
            .findFirst();
    if (other.isPresent() || open.currency().isBlank()) {
      throw AccountsException.refused(
          "all prices are in one currency"
              + other.map(currency -> ", " + currency).orElse(", which needs a name"));
    }
    return append(rule);
  }

  synchronized long settle(long toHour) {
    catchUp.run();
    long now = Record.hour(micros());
    SettlementRecord record = database.read(session -> settlements.draw(session, toHour, now));
    return append(record);
  }

  synchronized long correct(
      long generation, List<CorrectedShare> parts, int basePpm, String reason) {
    catchUp.run();
    Generation found =
        database
            .read(session -> Generations.byLeaf(session, generation))
            .orElseThrow(
                () -> AccountsException.refused("leaf " + generation + " is no generation"));
    if (found.settlement().isPresent()) {
      throw AccountsException.refused("the generation is settled, so its credit stays as it is");
    }
    long replaced =
        found
            .attribution()
            .orElseThrow(
                () ->
                    AccountsException.refused(
                        "the generation was not attributed yet, so there is nothing to correct"))
            .leaf();
    long micros = micros();
    CorrectionRecord.Open open =
        new CorrectionRecord.Open(
            Record.hour(micros), generation, replaced, shares(found, parts, basePpm));
    List<String> names = parts.stream().map(CorrectedShare::contributor).toList();
    return append(new CorrectionRecord(open, reason, names, micros));
  }

  private Shares shares(Generation generation, List<CorrectedShare> parts, int basePpm) {
    List<Shares.Share> shares = new ArrayList<>();
    long left = (long) Shares.WHOLE - basePpm;
    for (CorrectedShare part : parts) {
      byte[] key = database.read(session -> pseudonymKey(session, generation, part));
      shares.add(new Shares.Share(Pseudonym.of(key, part.contributor()), part.ppm()));
      left -= part.ppm();
    }
    if (left < 0 || basePpm < 0) {
      throw AccountsException.refused("the shares are more than a whole");
    }
    return new Shares(shares, basePpm, (int) left);
  }

  private static byte[] pseudonymKey(Session session, Generation generation, CorrectedShare part)
      throws SQLException {
    return session
        .one(
            """
            SELECT b.pseudonym_key FROM adapters a JOIN builds b
              ON b.tenant = a.tenant AND b.digest = a.digest
            WHERE a.generation = ? AND a.name = ? AND b.leaf < a.generation ORDER BY b.leaf""",
            row -> HexFormat.of().parseHex(row.getString(1)),
            generation.leaf(),
            part.adapter())
        .orElseThrow(
            () ->
                AccountsException.refused(
                    "the generation used no version of "
                        + part.adapter()
                        + " whose build was recorded before"));
  }
}
