package dev.tributary.server;

import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.state.TenantRecord;
import dev.tributary.server.state.Tenants;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Erases what tenants did not want to be kept so long, and what outlived the generation that it is
/// about.
record Retention(Accounts accounts, Tenants tenants) implements Upkeep.Task {
  private static final Logger log = LoggerFactory.getLogger(Retention.class);
  private static final int PAGE = 100;

  /// Of some hundred each, in one run for one tenant; the rest is for the next run.
  private static final int MAX_BATCHES = 10_000;

  @Override
  public void run(Instant now, BooleanSupplier ending) {
    long unused = all(accounts::eraseLeftovers, ending);
    List<TenantRecord> page = tenants.list("", PAGE);
    while (!page.isEmpty()) {
      for (TenantRecord tenant : page) {
        if (tenant.retention() != null) {
          long before = ChronoUnit.MICROS.between(Instant.EPOCH, now.minus(tenant.retention()));
          long erased = all(() -> accounts.expire(tenant.name(), before), ending);
          if (erased > 0) {
            log.info(
                "of tenant {}, which keeps answers for {} h, erased: {}",
                tenant.name(),
                tenant.retention().toHours(),
                erased);
          }
        }
      }
      page = tenants.list(page.getLast().name(), PAGE);
    }
  }

  /// @param batch says how many it erased
  private static long all(IntSupplier batch, BooleanSupplier ending) {
    long erased = 0;
    for (int i = 0; i < MAX_BATCHES && !ending.getAsBoolean(); i++) {
      int some = batch.getAsInt();
      if (some == 0) {
        break;
      }
      erased += some;
    }
    return erased;
  }

  @Override
  public String toString() {
    return "erasing what is kept no longer";
  }
}
