package dev.tributary.server.state;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/// A clock that a test moves.
final class FakeTime implements InstantSource {
  private Instant now = Instant.parse("2026-03-01T10:20:30.123456Z");

  @Override
  public synchronized Instant instant() {
    return now;
  }

  synchronized void advance(Duration by) {
    now = now.plus(by);
  }
}
