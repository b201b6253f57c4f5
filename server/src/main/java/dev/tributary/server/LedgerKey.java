package dev.tributary.server;

import dev.tributary.server.ledger.KeyFile;
import dev.tributary.server.ledger.LedgerRefused;
import dev.tributary.server.state.OwnerFile;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/// The key that signs the ledger's checkpoints. Made at the first start, kept in a file that only
/// its owner can read, printed never.
final class LedgerKey {
  /// Its file, in the folder of data.
  static final String FILE = "ledger.key";

  private static final int RANDOM_BYTES = 8;

  private LedgerKey() {}

  /// Reads the key, or makes one for a log that does not exist yet.
  ///
  /// @param ledger the log's folder
  /// @param origin the log's name; null: the key's own, and a random one for a new key
  /// @throws IOException with a text for the user
  static SigningKey open(Path file, Path ledger, @Nullable String origin) throws IOException {
    if (Files.exists(file)) {
      var unused = OwnerFile.read(file, "ledger's key");
    } else if (Files.isDirectory(ledger)) {
      throw new IOException(
          file + " is missing, and " + ledger + " is signed with it: put it back");
    }
    SigningKey key;
    try {
      key = new KeyFile(file).openOrMake(origin == null ? randomOrigin() : origin);
    } catch (LedgerRefused e) {
      throw new IOException(file + " holds no ledger key: " + e.getMessage(), e);
    }
    if (origin != null && !origin.equals(key.name())) {
      throw new IOException(
          "--origin %s: the log in %s is named %s; it can't be renamed"
              .formatted(origin, ledger, key.name()));
    }
    return key;
  }

  /// Names must be unique, and this one tells nothing.
  private static String randomOrigin() {
    byte[] bytes = new byte[RANDOM_BYTES];
    new SecureRandom().nextBytes(bytes);
    return "tributary.invalid/" + HexFormat.of().formatHex(bytes);
  }
}
