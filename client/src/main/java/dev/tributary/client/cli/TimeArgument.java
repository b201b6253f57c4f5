package dev.tributary.client.cli;

import com.google.protobuf.Timestamp;
import dev.tributary.v1.TimeRange;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads a time that is past: a day like `2027-01-31` (its beginning in UTC), a time like
/// `2027-01-31T12:00:00Z`, or `90d` or `12h` before the hour that it is.
final class TimeArgument implements ITypeConverter<Instant> {
  @Override
  public Instant convert(String text) {
    if (text.matches("[1-9][0-9]{0,4}[dh]")) {
      long count = Long.parseLong(text.substring(0, text.length() - 1));
      return Instant.now()
          .truncatedTo(ChronoUnit.HOURS)
          .minus(text.endsWith("d") ? Duration.ofDays(count) : Duration.ofHours(count));
    }
    try {
      return text.length() == "2027-01-31".length()
          ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
          : Instant.parse(text);
    } catch (DateTimeException e) {
      throw new TypeConversionException(
          "'%s' is not a time: 2027-01-31, 2027-01-31T00:00:00Z, 90d or 12h (ago)".formatted(text));
    }
  }

  /// @param start null for an open bound
  /// @param end null for an open bound
  static TimeRange range(@Nullable Instant start, @Nullable Instant end) {
    TimeRange.Builder range = TimeRange.newBuilder();
    if (start != null) {
      range.setStart(timestamp(start));
    }
    if (end != null) {
      range.setEnd(timestamp(end));
    }
    return range.build();
  }

  static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }
}
