package dev.tributary.server.state;

import java.security.SecureRandom;
import java.util.HexFormat;

/// What can't be guessed and never comes twice: ids, etags, secrets.
final class Nonces {
  private static final SecureRandom RANDOM = new SecureRandom();

  private static final int ETAG_BYTES = 8;

  private Nonces() {}

  static byte[] bytes(int count) {
    byte[] random = new byte[count];
    RANDOM.nextBytes(random);
    return random;
  }

  static String hex(int bytes) {
    return HexFormat.of().formatHex(bytes(bytes));
  }

  /// An etag for a row that was just changed. Random, so that a row that was deleted and made again
  /// does not match, and nothing of others' work shows.
  static String etag() {
    return hex(ETAG_BYTES);
  }
}
