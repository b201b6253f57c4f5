package dev.tributary.server.rpc;

import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.UUID;

/// Makes ids of generations and requests: UUIDs of version 7 (RFC 9562, section 5.7), which sort by
/// time and can't be guessed.
final class Ids {
  private static final long VERSION = 0x7000L;
  private static final long VARIANT = 0x8000_0000_0000_0000L;

  private final InstantSource time;
  private final SecureRandom random;

  Ids(InstantSource time, SecureRandom random) {
    this.time = time;
    this.random = random;
  }

  String next() {
    long high = time.millis() << 16 | VERSION | (random.nextLong() & 0xFFFL);
    long low = VARIANT | (random.nextLong() & 0x3FFF_FFFF_FFFF_FFFFL);
    return new UUID(high, low).toString();
  }
}
