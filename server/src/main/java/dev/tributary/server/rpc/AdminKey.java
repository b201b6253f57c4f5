package dev.tributary.server.rpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.server.state.OwnerFile;
import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;

/// The key that opens the admin port to whoever can read the server's folder of data. Made at the
/// first start, kept in a file that only its owner can read, printed never.
public final class AdminKey {
  /// Its file, in the folder of data.
  public static final String FILE = "admin.key";

  private static final int SECRET_BYTES = 32;
  private static final Pattern FORM = Pattern.compile("trib_admin_[A-Za-z0-9_-]{43}");

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
    String text = OwnerFile.read(file, "admin key");
    if (!FORM.matcher(text).matches()) {
      throw new IOException(file + " holds no admin key; delete it and one is made");
    }
    return new AdminKey(text);
  }

  /// Whether this is the key; takes the same time for all that are not.
  boolean matches(String secret) {
    return MessageDigest.isEqual(hash, hash(secret));
  }

  private static void make(Path file) throws IOException {
    byte[] secret = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(secret);
    OwnerFile.make(
        file, "trib_admin_" + Base64.getUrlEncoder().withoutPadding().encodeToString(secret));
  }

  private static byte[] hash(String secret) {
    return Hash.sha256(secret.getBytes(UTF_8)).bytes();
  }
}
