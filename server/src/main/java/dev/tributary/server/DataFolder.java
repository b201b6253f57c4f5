package dev.tributary.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;

/// Where the server keeps what must outlive it.
final class DataFolder {
  private DataFolder() {}

  /// `tributary` in the user's folder of data, by the XDG base directory specification.
  static Path byDefault(Map<String, String> environment) {
    String data = environment.get("XDG_DATA_HOME");
    // The specification has relative paths ignored.
    Path base =
        data != null && Path.of(data).isAbsolute()
            ? Path.of(data)
            : Path.of(System.getProperty("user.home"), ".local", "share");
    return base.resolve("tributary");
  }

  /// Makes the folder if it is not there; only its owner may look into a new one.
  static Path open(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      Path parent = folder.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Files.createDirectory(folder);
      if (Files.getFileStore(folder).supportsFileAttributeView("posix")) {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
      }
    }
    return folder;
  }
}
