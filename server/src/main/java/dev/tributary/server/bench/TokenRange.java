package dev.tributary.server.bench;

import java.util.random.RandomGenerator;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// How many tokens: each number of the range is as likely.
///
/// @param from at least 1
/// @param to at least `from`
record TokenRange(int from, int to) {
  TokenRange {
    if (from < 1 || to < from) {
      throw new IllegalArgumentException(from + " to " + to + " tokens");
    }
  }

  int next(RandomGenerator random) {
    return random.nextInt(from, to + 1);
  }

  @Override
  public String toString() {
    return from == to ? Integer.toString(from) : from + "-" + to;
  }

  /// `N` or `FROM-TO`.
  static final class Converter implements ITypeConverter<TokenRange> {
    @Override
    public TokenRange convert(String text) {
      int dash = text.indexOf('-');
      try {
        return dash < 0
            ? new TokenRange(Integer.parseInt(text), Integer.parseInt(text))
            : new TokenRange(
                Integer.parseInt(text.substring(0, dash)),
                Integer.parseInt(text.substring(dash + 1)));
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException("\"" + text + "\" is neither N nor FROM-TO");
      }
    }
  }
}
