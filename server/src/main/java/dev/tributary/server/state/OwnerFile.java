package dev.tributary.server.state;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/// Files that only their owner can read, where the system knows such permissions.
public final class OwnerFile {
  private static final int MAX_BYTES = 1_024;
  private static final Set<PosixFilePermission> OWNER =
      PosixFilePermissions.fromString("rw-------");

  private OwnerFile() {}

  /// Makes an empty one, unless there is a file.
  static void create(Path file) {
    if (Files.exists(file)) {
      return;
    }
    try {
      Files.createFile(file, mode(file));
    } catch (IOException e) {
      throw new StateException(
          new StateException.Unavailable(file + " can't be made: " + e.getMessage()), e);
    }
  }

  private static FileAttribute<?>[] mode(Path file) throws IOException {
    return Files.getFileStore(file.toAbsolutePath().getParent())
            .supportsFileAttributeView(PosixFileAttributeView.class)
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNER)}
        : new FileAttribute<?>[0];
  }

  /// The secret in the file: its text without space around it; empty if it has more than 1,024
  /// bytes.
  ///
  /// @param what the secret's name, for the user
  /// @throws IOException with a text for the user if others can read the file
  public static String read(Path file, String what) throws IOException {
    PosixFileAttributeView posix = Files.getFileAttributeView(file, PosixFileAttributeView.class);
    if (posix != null && !OWNER.containsAll(posix.readAttributes().permissions())) {
      throw new IOException(
          "%s: others can read the %s; chmod 600 it, or delete it and start anew"
              .formatted(file, what));
    }
    return Files.size(file) > MAX_BYTES ? "" : Files.readString(file, US_ASCII).strip();
  }

  /// Makes the file with a secret, one line. Written under another name first: a file of that name
  /// is whole, however the process ended. One that another process made meanwhile stays.
  public static void make(Path file, String line) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    Path draft = Files.createTempFile(folder, file.getFileName().toString(), ".new", mode(file));
    try {
      try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(US_ASCII));
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      // A link, not a move, which would replace another's.
      Files.createLink(file, draft);
    } catch (FileAlreadyExistsException e) {
      // The other one's counts.
      return;
    } finally {
      Files.deleteIfExists(draft);
    }
  }
}
