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

/// A secret in a file that only its owner can read.
public final class OwnerFile {
  private static final int MAX_BYTES = 1_024;
  private static final Set<PosixFilePermission> OWNER =
      PosixFilePermissions.fromString("rw-------");

  private OwnerFile() {}

  /// The file's text without space around it; empty if it has more than 1,024 bytes.
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

  /// Makes the file with one line. Written under another name first: a file of that name is whole,
  /// however the process ended. One that another process made meanwhile stays.
  public static void make(Path file, String line) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    boolean posix =
        Files.getFileStore(folder).supportsFileAttributeView(PosixFileAttributeView.class);
    FileAttribute<?>[] mode =
        posix
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNER)}
            : new FileAttribute<?>[0];
    Path draft = Files.createTempFile(folder, file.getFileName().toString(), ".new", mode);
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
