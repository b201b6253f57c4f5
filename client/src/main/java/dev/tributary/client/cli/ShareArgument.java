package dev.tributary.client.cli;

import dev.tributary.client.Rollout;
import java.math.BigDecimal;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads a share in percent, `5`, `5%` or `0.5%`, as parts of a million in [1, 1,000,000].
final class ShareArgument implements ITypeConverter<Integer> {
  @Override
  public Integer convert(String text) {
    if (text.matches("[0-9]{1,3}(\\.[0-9]{1,4})?%?")) {
      int ppm = new BigDecimal(text.replace("%", "")).movePointRight(4).intValueExact();
      if (ppm >= 1 && ppm <= Rollout.WHOLE) {
        return ppm;
      }
    }
    throw new TypeConversionException("'%s' is not a share from 0.0001%% to 100%%".formatted(text));
  }
}
