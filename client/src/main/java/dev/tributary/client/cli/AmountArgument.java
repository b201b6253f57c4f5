package dev.tributary.client.cli;

import java.math.BigDecimal;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads an amount of money, `2` or `0.25`, as millionths of the currency's unit. Never through a
/// floating-point number.
final class AmountArgument implements ITypeConverter<Long> {
  private static final int MICRO_DIGITS = 6;

  @Override
  public Long convert(String text) {
    if (!text.matches("[0-9]{1,7}(\\.[0-9]{1,6})?")) {
      throw new TypeConversionException(
          "'%s' is not an amount like 2 or 0.25, of at most six decimals".formatted(text));
    }
    return new BigDecimal(text).movePointRight(MICRO_DIGITS).longValueExact();
  }
}
