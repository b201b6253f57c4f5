package dev.tributary.client.cli;

import dev.tributary.v1.Alias;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads `VERSION[=WEIGHT]`; the weight is relative to the others', and 100 if it is not given.
final class TargetArgument implements ITypeConverter<Alias.Target> {
  private static final int MAX_WEIGHT = 1_000_000;

  @Override
  public Alias.Target convert(String text) {
    if (text.matches("[1-9][0-9]{0,8}(=[0-9]{1,7})?")) {
      String[] parts = text.split("=", 2);
      int weight = parts.length == 1 ? 100 : Integer.parseInt(parts[1]);
      if (weight <= MAX_WEIGHT) {
        return Alias.Target.newBuilder()
            .setNumber(Integer.parseInt(parts[0]))
            .setWeight(weight)
            .build();
      }
    }
    throw new TypeConversionException("'%s' is not VERSION=WEIGHT, as in 3=95".formatted(text));
  }

  /// Reads `VERSION=PERCENT`, as in `4=10%`.
  static final class Shadow implements ITypeConverter<Alias.Shadow> {
    @Override
    public Alias.Shadow convert(String text) {
      if (!text.matches("[1-9][0-9]{0,8}=.+")) {
        throw new TypeConversionException(
            "'%s' is not VERSION=PERCENT, as in 4=10%%".formatted(text));
      }
      String[] parts = text.split("=", 2);
      return Alias.Shadow.newBuilder()
          .setNumber(Integer.parseInt(parts[0]))
          .setSharePpm(new ShareArgument().convert(parts[1]))
          .build();
    }
  }
}
