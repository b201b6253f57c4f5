package dev.tributary.server.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;

/// Empty files that only their owner reads, where the system knows such permissions. SQLite gives
/// the files beside a database its permissions.
final class OwnFile {
  private OwnFile() {}

  /// Makes one, unless there is a file.
  static void create(Path file) {
    if (Files.exists(file)) {
      return;
    }
    try {
      FileAttribute<?>[] owner =
          Files.getFileStore(file.resolveSibling("")).supportsFileAttributeView("posix")
              ? new FileAttribute<?>[] {
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
              }
              : new FileAttribute<?>[0];
      Files.createFile(file, owner);
    } catch (IOException e) {
      throw new StateException(
          new StateException.Unavailable(file + " can't be made: " + e.getMessage()), e);
    }
  }
}
