package dev.tributary.server.rpc;

import com.google.protobuf.Timestamp;
import dev.tributary.record.Record;
import dev.tributary.v1.TimeRange;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/// Checks what requests say of times and names. Throws INVALID_ARGUMENT with the path of what is
/// wrong.
final class ProvenanceRequests {
  /// Characters of a contributor's name, and of a data set's.
  private static final int MAX_NAME = 200;

  private static final int MAX_ID = 100;
  private static final int MAX_LICENCE = 200;
  private static final int MAX_REASON = 1_000;

  private ProvenanceRequests() {}

  /// Microseconds since 1970, from the first on.
  ///
  /// @param toMicros exclusive
  record Period(long fromMicros, long toMicros) {
    /// All of time.
    static final Period ANY = new Period(0, Long.MAX_VALUE);
  }

  /// A range either bound of which may be absent.
  static Period period(TimeRange range, String field) {
    long from =
        range.hasStart() ? micros(range.getStart(), field + ".start") : Period.ANY.fromMicros;
    long to = range.hasEnd() ? micros(range.getEnd(), field + ".end") : Period.ANY.toMicros;
    if (from >= to) {
      throw Statuses.invalid(field + ".end", "must be after the start");
    }
    return new Period(from, to);
  }

  /// A range of whole hours, which money is counted in.
  static Period hours(TimeRange range, String field) {
    Period period = period(range, field);
    if (!range.hasStart() || period.fromMicros % Record.MICROS_PER_HOUR != 0) {
      throw Statuses.invalid(field + ".start", "must be there, and at the beginning of an hour");
    }
    if (!range.hasEnd() || period.toMicros % Record.MICROS_PER_HOUR != 0) {
      throw Statuses.invalid(field + ".end", "must be there, and at the beginning of an hour");
    }
    return period;
  }

  static long micros(Timestamp time, String field) {
    try {
      long micros =
          ChronoUnit.MICROS.between(
              Instant.EPOCH, Instant.ofEpochSecond(time.getSeconds(), time.getNanos()));
      if (micros >= 0) {
        return micros;
      }
    } catch (DateTimeException | ArithmeticException e) {
      throw Statuses.invalid(field, "is no time");
    }
    throw Statuses.invalid(field, "is before 1970");
  }

  /// An id of a generation: one line.
  static void checkId(String id, String field) {
    if (id.isEmpty()) {
      throw Statuses.invalid(field, "is required");
    }
    text(id, MAX_ID, field);
  }

  /// The name of a contributor or a data set.
  static String name(String name, String field) {
    return text(name, MAX_NAME, field);
  }

  /// Whether [#name] takes it.
  static boolean isName(String name) {
    return !name.isBlank()
        && name.length() <= MAX_NAME
        && name.chars().noneMatch(Character::isISOControl);
  }

  static String licence(String licence, String field) {
    return text(licence, MAX_LICENCE, field);
  }

  /// May be empty.
  static String reason(String reason) {
    return reason.isEmpty() ? reason : text(reason, MAX_REASON, "reason");
  }

  /// One line that is not blank.
  static String text(String text, int most, String field) {
    if (text.isBlank() || text.length() > most) {
      throw Statuses.invalid(
          field,
          "has " + text.length() + " characters, must have 1 to " + most + ", not all blank");
    }
    if (text.chars().anyMatch(Character::isISOControl)) {
      throw Statuses.invalid(field, "must have no control characters");
    }
    return text;
  }
}
