package dev.tributary.server.weights;

import dev.tributary.identity.SafetensorsException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// A model file is malformed, or holds something that is not supported; the message names the file,
/// the byte and what was expected there.
public final class FormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long offset;

  FormatException(Path file, long offset, String problem) {
    this(file, offset, problem, null);
  }

  FormatException(Path file, long offset, String problem, @Nullable Throwable cause) {
    super(file + ": byte " + offset + ": " + problem, cause);
    this.offset = offset;
  }

  FormatException(Path file, SafetensorsException cause) {
    super(file + ": " + cause.getMessage(), cause);
    this.offset = cause.offset();
  }

  /// Byte offset in the file of what is wrong.
  public long offset() {
    return offset;
  }
}
