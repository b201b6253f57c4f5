package dev.tributary.server.rpc;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

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
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Set;
import java.util.regex.Pattern;

/// The key that opens the admin port to whoever can read the server's folder of data. Made at the
/// first start, kept in a file that only its owner can read, printed never.
public final class AdminKey {
  /// Its file, in the folder of data.
  public static final String FILE = "admin.key";

  private static final int SECRET_BYTES = 32;
  private static final Pattern FORM = Pattern.compile("trib_admin_[A-Za-z0-9_-]{43}");
  private static final int MAX_BYTES = 1_024;
  private static final Set<PosixFilePermission> OWNER =
      PosixFilePermissions.fromString("rw-------");

  private final byte[] hash;

  private AdminKey(String secret) {
    hash = hash(secret);
  }

  /// Reads the key in `data`, or makes one there.
  ///
  /// @param data folder; must exist
  /// @throws IOException with a text for the user if the file is not a key, or others can read it
  public static AdminKey open(Path data) throws IOException {
    Path file = data.resolve(FILE);
    if (!Files.exists(file)) {
      make(file);
    }
    PosixFileAttributeView posix = Files.getFileAttributeView(file, PosixFileAttributeView.class);
    if (posix != null && !OWNER.containsAll(posix.readAttributes().permissions())) {
      throw new IOException(
          file + ": others can read the admin key; chmod 600 it, or delete it and start anew");
    }
    String text = Files.size(file) > MAX_BYTES ? "" : Files.readString(file, US_ASCII).strip();
    if (!FORM.matcher(text).matches()) {
      throw new IOException(file + " holds no admin key; delete it and one is made");
    }
    return new AdminKey(text);
  }

  /// Whether this is the key; takes the same time for all that are not.
  boolean matches(String secret) {
    return MessageDigest.isEqual(hash, hash(secret));
  }

  /// Written under another name first: a file of that name is a whole key, however the start ended.
  private static void make(Path file) throws IOException {
    byte[] secret = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(secret);
    String text =
        "trib_admin_" + Base64.getUrlEncoder().withoutPadding().encodeToString(secret) + "\n";
    Path folder = file.toAbsolutePath().getParent();
    boolean posix =
        Files.getFileStore(folder).supportsFileAttributeView(PosixFileAttributeView.class);
    FileAttribute<?>[] mode =
        posix
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNER)}
            : new FileAttribute<?>[0];
    Path draft = Files.createTempFile(folder, FILE, ".new", mode);
    try {
      try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(US_ASCII));
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      // A link, not a move: a key that another server made meanwhile stays.
      Files.createLink(file, draft);
    } catch (FileAlreadyExistsException e) {
      // The other one's counts.
      return;
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  private static byte[] hash(String secret) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(secret.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
