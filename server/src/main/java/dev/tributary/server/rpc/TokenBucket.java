package dev.tributary.server.rpc;

import java.time.Duration;

/// What may still be used of so much a period, such as a minute. It fills steadily up to a period's
/// worth, which may be used at once, and may be overdrawn: then nothing can be taken until it has
/// recovered.
///
/// Not thread safe; times are nanoseconds of one clock, and never run backwards.
final class TokenBucket {
  private final Duration period;
  private final double nanos;
  private long most;
  private double level;
  private long at;

  /// Full.
  TokenBucket(long most, Duration period, long now) {
    this.most = most;
    this.period = period;
    nanos = period.toNanos();
    level = most;
    at = now;
  }

  /// From now on it holds so much, and fills by that in a period. What was used stays used.
  void resize(long amount, long now) {
    fill(now);
    level += amount - most;
    most = amount;
  }

  /// How long until `amount` can be taken; zero if it can be now. More than a period's worth can be
  /// taken when it is full.
  Duration until(long amount, long now) {
    fill(now);
    if (most == 0) {
      return period;
    }
    double missing = Math.min(amount, most) - level;
    return missing <= 0
        ? Duration.ZERO
        : Duration.ofNanos((long) Math.ceil(missing * nanos / most));
  }

  /// Takes `amount`, whether it is there or not; gives it back if negative.
  void take(long amount, long now) {
    fill(now);
    level = Math.min(level - amount, most);
  }

  private void fill(long now) {
    level = Math.min(most, level + (now - at) * (most / nanos));
    at = now;
  }
}
