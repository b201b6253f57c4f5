package dev.tributary.client;

import java.nio.charset.StandardCharsets;

/// Names from elsewhere as names of files.
final class FileNames {
  /// Bytes of one file's name, with room for an ending.
  private static final int MAX_CHARS = 200;

  private FileNames() {}

  /// Letters, digits, `-`, `_` and dots stay; each other byte, and a dot that comes first, is %XX.
  /// Different names stay different.
  ///
  /// @throws UnmetException if it is too long for a file
  static String of(String name) {
    StringBuilder text = new StringBuilder();
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '-'
              || c == '_'
              || (c == '.' && !text.isEmpty());
      text.append(plain ? Character.toString(c) : "%%%02X".formatted((int) c));
    }
    if (text.isEmpty() || text.length() > MAX_CHARS) {
      throw new UnmetException("\"%s\" cannot be the name of a file".formatted(name));
    }
    return text.toString();
  }
}
