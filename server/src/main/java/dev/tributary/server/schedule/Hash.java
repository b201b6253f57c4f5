package dev.tributary.server.schedule;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// A SHA-256.
record Hash(long a, long b, long c, long d) {
  private static final int BYTES = 32;

  static Hash of(String text) {
    return of(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  /// Of this hash, then `numbers`, four bytes each.
  Hash then(int... numbers) {
    ByteBuffer bytes = ByteBuffer.allocate(BYTES + Integer.BYTES * numbers.length);
    bytes.putLong(a).putLong(b).putLong(c).putLong(d);
    for (int number : numbers) {
      bytes.putInt(number);
    }
    return of(bytes.flip());
  }

  private static Hash of(ByteBuffer bytes) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      sha.update(bytes);
      ByteBuffer digest = ByteBuffer.wrap(sha.digest());
      return new Hash(digest.getLong(), digest.getLong(), digest.getLong(), digest.getLong());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
