package dev.tributary.server.source;

import java.util.List;

/// Checks names that become paths under a folder of ours.
final class RelativeFile {
  private static final int MAX_CHARS = 512;

  private RelativeFile() {}

  /// `name` if it stays below whatever folder it is resolved against.
  ///
  /// @throws IllegalArgumentException if it doesn't, or names no file
  static String require(String name) {
    boolean plain =
        name.length() <= MAX_CHARS
            && name.chars().noneMatch(c -> c < ' ' || c == 0x7f || "\\:*?\"<>|".indexOf(c) >= 0);
    List<String> parts = List.of(name.split("/", -1));
    if (!plain || parts.contains("") || parts.contains(".") || parts.contains("..")) {
      throw new IllegalArgumentException("expected a relative file name, found \"" + name + "\"");
    }
    return name;
  }
}
