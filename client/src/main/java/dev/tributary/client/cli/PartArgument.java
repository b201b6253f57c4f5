package dev.tributary.client.cli;

import java.math.BigDecimal;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads a part in percent, `0`, `70%` or `0.5%`, as parts of a million in [0, 1,000,000].
final class PartArgument implements ITypeConverter<Integer> {
  private static final int WHOLE = 1_000_000;

  @Override
  public Integer convert(String text) {
    if (text.matches("[0-9]{1,3}(\\.[0-9]{1,4})?%?")) {
      int ppm = new BigDecimal(text.replace("%", "")).movePointRight(4).intValueExact();
      if (ppm <= WHOLE) {
        return ppm;
      }
    }
    throw new TypeConversionException("'%s' is not a part from 0%% to 100%%".formatted(text));
  }
}
