package dev.tributary.server.train;

import java.time.Duration;

/// How often checkpoints are written: whichever comes first. It changes nothing of what comes out.
///
/// @param steps at least 1
public record Cadence(int steps, Duration time) {
  /// Every 200 steps or minute.
  public static final Cadence DEFAULT = new Cadence(200, Duration.ofMinutes(1));

  public Cadence {
    if (steps < 1 || time.isNegative()) {
      throw new IllegalArgumentException(steps + " steps, " + time);
    }
  }
}
