package dev.tributary.client.cli;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads the beginning of an hour: a day like `2027-01-31` (its beginning in UTC), or a time like
/// `2027-01-31T12:00:00Z`.
final class HourArgument implements ITypeConverter<Instant> {
  @Override
  public Instant convert(String text) {
    try {
      Instant time =
          text.length() == "2027-01-31".length()
              ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
              : Instant.parse(text);
      if (time.equals(time.truncatedTo(ChronoUnit.HOURS))) {
        return time;
      }
    } catch (DateTimeException e) {
      throw notOne(text);
    }
    throw notOne(text);
  }

  private static TypeConversionException notOne(String text) {
    return new TypeConversionException(
        "'%s' is not the beginning of an hour: 2027-01-31 or 2027-01-31T12:00:00Z".formatted(text));
  }
}
