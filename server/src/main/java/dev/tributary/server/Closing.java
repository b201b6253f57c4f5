package dev.tributary.server;

import dev.tributary.record.Record;
import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.accounts.Settlement;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Settles periods that end at multiples of some hours since 1970, each that many hours after its
/// end: so long attributions may come late, and credit can be corrected.
///
/// @param every hours; 0: nothing is settled here
record Closing(Accounts accounts, int every) implements Upkeep.Task {
  private static final Logger log = LoggerFactory.getLogger(Closing.class);

  @Override
  public void run(Instant now, BooleanSupplier ending) {
    if (every == 0 || accounts.priceRules().isEmpty()) {
      return;
    }
    long hour = Record.hour(ChronoUnit.MICROS.between(Instant.EPOCH, now));
    long end = (hour / every - 1) * every;
    List<Settlement> last = accounts.settlementsBefore(Long.MAX_VALUE, 1);
    if (last.isEmpty() || last.getFirst().toHour() < end) {
      long leaf = accounts.settle(end);
      log.info("settled up to {}: leaf {}", Instant.EPOCH.plus(end, ChronoUnit.HOURS), leaf);
    }
  }

  @Override
  public String toString() {
    return "settling";
  }
}
