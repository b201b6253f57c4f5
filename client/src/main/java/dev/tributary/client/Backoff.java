package dev.tributary.client;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/// When to try again after a broken connection: after twice the time of the try before, half of it
/// random so that the clients of a server that went down don't all come back at once.
final class Backoff {
  /// Tries without success; together about a minute and a half, longer than a server takes to
  /// start.
  static final int MAX_TRIES = 12;

  private static final long FIRST_MILLIS = 250;
  private static final long LONGEST_MILLIS = 15_000;

  /// How to wait; tests don't.
  interface Sleeper {
    Sleeper SLEEPING = Thread::sleep;

    void sleep(Duration time) throws InterruptedException;
  }

  private final Sleeper sleeper;
  private int tries;

  Backoff(Sleeper sleeper) {
    this.sleeper = sleeper;
  }

  /// Something succeeded.
  void reset() {
    tries = 0;
  }

  /// How long to wait after a failure; empty if it has been tried often enough, or trying again
  /// does not help, or the server asks for more patience than a person has.
  Optional<Duration> next(TributaryException failure) {
    long asked = failure.retryDelay().map(Duration::toMillis).orElse(0L);
    if (!failure.isTransient() || asked > LONGEST_MILLIS || ++tries >= MAX_TRIES) {
      return Optional.empty();
    }
    long most = Math.min(LONGEST_MILLIS, FIRST_MILLIS << (tries - 1));
    long delay = ThreadLocalRandom.current().nextLong(most / 2, most + 1);
    return Optional.of(Duration.ofMillis(Math.max(asked, delay)));
  }

  void sleep(Duration delay) throws InterruptedException {
    sleeper.sleep(delay);
  }
}
