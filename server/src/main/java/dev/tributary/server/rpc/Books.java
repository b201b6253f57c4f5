package dev.tributary.server.rpc;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterUse;
import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.ledger.Ledger;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What is kept of answers for good.
///
/// @param accounts what the ledger adds up to; they follow it
public record Books(Ledger ledger, Accounts accounts) implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Books.class);

  /// The accounts lag the log by milliseconds; more than this is a failure.
  private static final Duration LAG = Duration.ofSeconds(10);

  /// Waits until the accounts have what the ledger has now.
  void follow() {
    long durable = ledger.log().durable();
    if (durable > 0 && !awaitUpTo(durable - 1, LAG)) {
      throw Statuses.unavailable("the accounts lag behind the ledger");
    }
  }

  /// Ends the generations that the last process left open; to be called before the first one.
  ///
  /// @return how many
  public int closeInterrupted(InstantSource time) {
    return Interrupted.close(this, time);
  }

  /// Waits until the accounts have this leaf; false if that takes longer.
  boolean awaitUpTo(long leaf, Duration most) {
    try {
      return accounts.awaitUpTo(leaf, most);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException();
    }
  }

  /// As [PseudonymKeys#of].
  Optional<byte[]> pseudonymKey(AdapterUse use, long generation) {
    if (!awaitUpTo(generation, LAG)) {
      throw Statuses.unavailable("the accounts lag behind the ledger");
    }
    OptionalLong build = accounts.build(Receipts.owner(use.name()), use.digest());
    return build.isEmpty() || build.getAsLong() > generation
        ? Optional.empty()
        : ledger
            .record(build.getAsLong())
            .map(AdapterBuildRecord::of)
            .map(AdapterBuildRecord::pseudonymKey);
  }

  @Override
  public void close() {
    try (ledger) {
      accounts.close();
    } catch (IOException e) {
      // What was acknowledged is durable all the same.
      log.warn("the ledger did not close", e);
    }
  }
}
