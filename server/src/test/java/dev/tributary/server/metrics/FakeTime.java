package dev.tributary.server.metrics;

import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/// Time that stands until a test moves it.
final class FakeTime implements LongSupplier, InstantSource {
  static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private long nanos = 5_000;
  private Instant instant = START;

  void passMillis(long millis) {
    nanos += millis * 1_000_000;
    instant = instant.plusMillis(millis);
  }

  @Override
  public long getAsLong() {
    return nanos;
  }

  @Override
  public Instant instant() {
    return instant;
  }
}
