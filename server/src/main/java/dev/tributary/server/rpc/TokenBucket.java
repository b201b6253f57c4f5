package dev.tributary.server.rpc;

import java.time.Duration;

/// What may still be used of so much a minute. It fills steadily up to a minute's worth, which may
/// be used at once, and may be overdrawn: then nothing can be taken until it has recovered.
///
/// Not thread safe; times are nanoseconds of one clock, and never run backwards.
final class TokenBucket {
  private static final double MINUTE = Duration.ofMinutes(1).toNanos();

  private long perMinute;
  private double level;
  private long at;

  /// Full.
  TokenBucket(long perMinute, long now) {
    this.perMinute = perMinute;
    level = perMinute;
    at = now;
  }

  /// From now on it holds so much, and fills by that in a minute. What was used stays used.
  void resize(long amount, long now) {
    fill(now);
    level += amount - perMinute;
    perMinute = amount;
  }

  /// How long until `amount` can be taken; zero if it can be now. More than a minute's worth can be
  /// taken when it is full.
  Duration until(long amount, long now) {
    fill(now);
    if (perMinute == 0) {
      return Duration.ofMinutes(1);
    }
    double missing = Math.min(amount, perMinute) - level;
    return missing <= 0
        ? Duration.ZERO
        : Duration.ofNanos((long) Math.ceil(missing * MINUTE / perMinute));
  }

  /// Takes `amount`, whether it is there or not; gives it back if negative.
  void take(long amount, long now) {
    fill(now);
    level = Math.min(level - amount, perMinute);
  }

  private void fill(long now) {
    level = Math.min(perMinute, level + (now - at) * (perMinute / MINUTE));
    at = now;
  }
}
