package dev.tributary.client.cli;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads when something ends: `90d` or `12h` from now, or a time like `2027-01-31T00:00:00Z`.
final class ExpiryArgument implements ITypeConverter<Instant> {
  @Override
  public Instant convert(String text) {
    if (text.matches("[1-9][0-9]{0,4}[dh]")) {
      long count = Long.parseLong(text.substring(0, text.length() - 1));
      return Instant.now()
          .plus(text.endsWith("d") ? Duration.ofDays(count) : Duration.ofHours(count));
    }
    try {
      return Instant.parse(text);
    } catch (DateTimeException e) {
      throw new TypeConversionException(
          "'%s' is not a time: 90d, 12h or 2027-01-31T00:00:00Z".formatted(text));
    }
  }
}
