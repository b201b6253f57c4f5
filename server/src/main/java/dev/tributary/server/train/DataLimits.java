package dev.tributary.server.train;

/// What one run takes of a file.
///
/// @param lineBytes of one line
/// @param examples of all
/// @param tokens of all examples together, 4 bytes of memory each
/// @param exampleTokens of one example
public record DataLimits(int lineBytes, int examples, long tokens, int exampleTokens) {
  public DataLimits {
    if (lineBytes < 1 || examples < 1 || tokens < 1 || exampleTokens < 2) {
      throw new IllegalArgumentException(
          lineBytes + " bytes, " + examples + " examples, " + tokens + ", " + exampleTokens);
    }
  }

  /// One MiB a line, 200,000 examples, 50 million tokens.
  public static DataLimits of(int exampleTokens) {
    return new DataLimits(1 << 20, 200_000, 50_000_000, exampleTokens);
  }
}
