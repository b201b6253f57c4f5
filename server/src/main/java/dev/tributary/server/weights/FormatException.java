package dev.tributary.server.weights;

/// A model file that isn't what its format allows. The message names the file, the byte offset and
/// what was expected there.
public final class FormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public FormatException(String message) {
    super(message);
  }

  FormatException(String file, long offset, String problem) {
    super(file + ": byte " + offset + ": " + problem);
  }
}
