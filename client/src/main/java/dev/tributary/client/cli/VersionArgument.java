package dev.tributary.client.cli;

import dev.tributary.v1.AdapterSelector;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads `NAME[@VERSION]`: like [AdapterArgument] where a scale would mean nothing.
final class VersionArgument implements ITypeConverter<AdapterSelector> {
  static final String SYNTAX = "NAME[@VERSION]";

  @Override
  public AdapterSelector convert(String text) {
    AdapterSelector selector = new AdapterArgument().convert(text);
    if (selector.hasScale()) {
      throw new TypeConversionException("'%s' is not %s".formatted(text, SYNTAX));
    }
    return selector;
  }
}
