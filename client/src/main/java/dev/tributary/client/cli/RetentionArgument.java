package dev.tributary.client.cli;

import com.google.protobuf.Duration;
import dev.tributary.v1.Tenant;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads how long answers are kept: `30d`, `12h`, or `none` for as long as there is a server.
final class RetentionArgument implements ITypeConverter<RetentionArgument.Retention> {
  private static final long HOUR = 3_600;

  /// @param time empty: they are kept
  record Retention(Optional<Duration> time) {}

  @Override
  public Retention convert(String text) {
    if (text.equals("none")) {
      return new Retention(Optional.empty());
    }
    if (!text.matches("[1-9][0-9]{0,4}[dh]")) {
      throw new TypeConversionException("'%s' is not 30d, 12h or none".formatted(text));
    }
    long count = Long.parseLong(text.substring(0, text.length() - 1));
    long seconds = count * (text.endsWith("d") ? 24 * HOUR : HOUR);
    return new Retention(Optional.of(Duration.newBuilder().setSeconds(seconds).build()));
  }

  /// `30d`, `36h`; `-` where answers are kept.
  static String text(Tenant tenant) {
    if (!tenant.hasRetention()) {
      return "-";
    }
    long seconds = tenant.getRetention().getSeconds();
    if (seconds % (24 * HOUR) == 0) {
      return seconds / (24 * HOUR) + "d";
    }
    return seconds % HOUR == 0 ? seconds / HOUR + "h" : seconds + "s";
  }
}
