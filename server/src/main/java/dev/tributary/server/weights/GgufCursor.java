package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Reads the little-endian numbers and strings of a GGUF header, never beyond its end.
final class GgufCursor {
  /// Longest header in bytes: metadata and the list of tensors.
  static final long MAX_HEADER_BYTES = 256L << 20;

  private final Path file;
  private final Bytes bytes;

  /// Reports malformed input, which `new String` would replace.
  private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();

  private long at;

  GgufCursor(Path file, Bytes bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /// Byte offset of what is read next.
  long position() {
    return at;
  }

  long remaining() {
    return bytes.size() - at;
  }

  /// @param what is expected, for the error
  byte u8(String what) {
    return bytes.get(take(1, what));
  }

  short u16(String what) {
    return bytes.getShort(take(2, what));
  }

  int u32(String what) {
    return bytes.getInt(take(4, what));
  }

  long u64(String what) {
    return bytes.getLong(take(8, what));
  }

  float f32(String what) {
    return bytes.getFloat(take(4, what));
  }

  /// A number of things that follow, refused if `most` is exceeded, or if the file is too short for
  /// that many of at least `bytesEach` bytes: so nothing is allocated for things that aren't there.
  int count(String what, int most, int bytesEach) {
    long start = at;
    long count = u64("the number of " + what);
    if (count < 0 || count > most) {
      throw error(
          start,
          "expected at most %d %s, found %s".formatted(most, what, Long.toUnsignedString(count)));
    }
    if (count * bytesEach > remaining()) {
      throw error(
          start,
          "expected %d %s of at least %d bytes each, but the file ends %d bytes on"
              .formatted(count, what, bytesEach, remaining()));
    }
    return (int) count;
  }

  /// A string of UTF-8, its length before it.
  String string(String what, int most) {
    int length = count("bytes of " + what, most, 1);
    long start = take(length, what);
    byte[] utf8 = new byte[length];
    bytes.get(start, utf8, 0, length);
    try {
      return decoder.decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw error(start, "expected UTF-8 as " + what, e);
    }
  }

  private long take(long count, String what) {
    if (count > remaining()) {
      throw error(
          at,
          "expected %d bytes of %s, but the file ends at byte %d"
              .formatted(count, what, bytes.size()));
    }
    if (count > MAX_HEADER_BYTES - at) {
      throw error(at, "expected a header of at most %d bytes".formatted(MAX_HEADER_BYTES));
    }
    long start = at;
    at += count;
    return start;
  }

  FormatException error(long offset, String problem) {
    return new FormatException(file, offset, problem);
  }

  FormatException error(long offset, String problem, Throwable cause) {
    return new FormatException(file, offset, problem, cause);
  }
}
