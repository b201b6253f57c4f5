package dev.tributary.server;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A file of settings: lines of the form `key = value`, empty lines, and comments, which begin with
/// `#` at the start of a line or after white space. Nothing is escaped. A key whose setting takes
/// several values may stand on several lines.
final class ConfigFile {
  private static final long MAX_BYTES = 64 << 10;

  /// One setting of the file.
  ///
  /// @param line from 1
  record Entry(int line, String key, String value) {}

  private ConfigFile() {}

  /// @throws ConfigException for a file that cannot be read or a line that is no setting
  static List<Entry> read(Path path) {
    List<String> lines = lines(path);
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).replaceFirst("(^|\\s)#.*$", "").strip();
      if (line.isEmpty()) {
        continue;
      }
      int equals = line.indexOf('=');
      if (equals < 1) {
        throw new ConfigException(path + ":" + (i + 1) + ": \"" + line + "\" is not key = value");
      }
      entries.add(
          new Entry(i + 1, line.substring(0, equals).strip(), line.substring(equals + 1).strip()));
    }
    return entries;
  }

  private static List<String> lines(Path path) {
    try {
      if (Files.size(path) > MAX_BYTES) {
        throw new ConfigException(path + " has more than " + MAX_BYTES + " bytes");
      }
      return Files.readAllLines(path);
    } catch (MalformedInputException e) {
      throw new ConfigException(path + " is not UTF-8");
    } catch (IOException e) {
      throw new ConfigException("cannot read the settings in " + path + ": " + e);
    }
  }
}
