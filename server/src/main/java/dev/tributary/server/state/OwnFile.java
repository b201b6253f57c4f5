package dev.tributary.server.state;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;

/// Empty files that only their owner reads, where the system knows such permissions. SQLite gives
/// the files beside a database its permissions.
final class OwnFile {
  private OwnFile() {}

  /// @return false if there is one
  static boolean create(Path file) {
    try {
      FileAttribute<?>[] owner =
          Files.getFileStore(file.resolveSibling("")).supportsFileAttributeView("posix")
              ? new FileAttribute<?>[] {
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
              }
              : new FileAttribute<?>[0];
      Files.createFile(file, owner);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      throw new StateException(
          new StateException.Unavailable(file + " can't be made: " + e.getMessage()), e);
    }
  }
}
