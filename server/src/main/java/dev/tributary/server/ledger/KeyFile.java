package dev.tributary.server.ledger;

import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.Set;

/// The file of the log's private key, that only its owner may read; beside it, with `.next` behind
/// its name, that of the key that a rotation leads to, until it is done.
public final class KeyFile {
  private static final int MOST = 4_096;

  private final Path file;
  private final Path next;

  public KeyFile(Path file) {
    this.file = file.toAbsolutePath();
    this.next = this.file.resolveSibling(this.file.getFileName() + ".next");
  }

  /// The key; a new one, stored for good, if there is no file.
  ///
  /// @param origin names a new one
  /// @throws LedgerRefused if there is something else in the file
  public SigningKey openOrMake(String origin) throws IOException {
    Optional<SigningKey> key = read(file);
    if (key.isPresent()) {
      return key.get();
    }
    SigningKey made = SigningKey.generate(origin, new SecureRandom());
    write(file, made);
    return made;
  }

  /// The key of a rotation that is not done; [LogSettings#nextKey].
  public Optional<SigningKey> next() throws IOException {
    return read(next);
  }

  /// Makes and stores the key of a rotation that is to begin; the same if one is under way.
  public SigningKey makeNext(String origin) throws IOException {
    Optional<SigningKey> stored = next();
    if (stored.isPresent()) {
      return stored.get();
    }
    SigningKey made = SigningKey.generate(origin, new SecureRandom());
    write(next, made);
    return made;
  }

  /// Ends a rotation that was under way if it happened: then the old key is gone.
  ///
  /// @param inForce of the open log
  public void settle(VerifierKey inForce) throws IOException {
    Optional<SigningKey> stored = next();
    if (stored.isPresent() && stored.get().verifierKey().equals(inForce)) {
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
      new LocalDisk().forceFolder(file.resolveSibling(""));
    }
  }

  private static Optional<SigningKey> read(Path path) throws IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    try {
      byte[] bytes = new LocalDisk().read(path, 0, MOST);
      return Optional.of(
          SigningKey.parse(new String(bytes, StandardCharsets.UTF_8).stripTrailing()));
    } catch (TlogException e) {
      throw new LedgerRefused(path + ": " + e.getMessage());
    }
  }

  /// The file appears whole or not at all.
  private static void write(Path path, SigningKey key) throws IOException {
    Path written = path.resolveSibling(path.getFileName() + ".new");
    Files.deleteIfExists(written);
    ByteBuffer text = ByteBuffer.wrap((key.text() + "\n").getBytes(StandardCharsets.UTF_8));
    boolean posix = Files.getFileStore(path.resolveSibling("")).supportsFileAttributeView("posix");
    FileAttribute<?>[] owner =
        posix
            ? new FileAttribute<?>[] {
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
            }
            : new FileAttribute<?>[0];
    try (FileChannel channel =
        FileChannel.open(
            written, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), owner)) {
      while (text.hasRemaining()) {
        channel.write(text);
      }
      channel.force(true);
    }
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(path.toString());
    }
    Files.move(written, path, StandardCopyOption.ATOMIC_MOVE);
    new LocalDisk().forceFolder(path.resolveSibling(""));
  }
}
