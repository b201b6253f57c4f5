package dev.tributary.server.rpc;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import java.time.Instant;

/// Times as the contract writes them.
final class Times {
  private static final long SECOND = 1_000_000_000L;

  /// protobuf's own bound: about 10,000 years.
  private static final long MAX_SECONDS = 315_576_000_000L;

  private Times() {}

  static Duration duration(java.time.Duration duration) {
    return Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }

  /// @param nanos 0 or more
  static Duration duration(long nanos) {
    return duration(java.time.Duration.ofNanos(nanos));
  }

  static Timestamp timestamp(Instant instant) {
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }

  /// Nanoseconds of a duration that must be well-formed and positive; what a long can't hold is as
  /// long as it can.
  static long positiveNanos(Duration duration, String field) {
    long seconds = duration.getSeconds();
    int nanos = duration.getNanos();
    if (seconds < 0
        || seconds > MAX_SECONDS
        || nanos < 0
        || nanos >= SECOND
        || (seconds == 0 && nanos == 0)) {
      throw Statuses.invalid(
          field, "is " + seconds + " s and " + nanos + " ns, must be a positive duration");
    }
    return seconds >= Long.MAX_VALUE / SECOND ? Long.MAX_VALUE : seconds * SECOND + nanos;
  }
}
