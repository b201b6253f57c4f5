package dev.tributary.tlog;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;

/// A SHA-256, 32 bytes.
public final class Hash {
  public static final int BYTES = 32;
  private static final String PREFIX = "sha256:";

  private final byte[] bytes;

  private Hash(byte[] bytes) {
    this.bytes = bytes;
  }

  /// @throws IllegalArgumentException unless there are 32
  public static Hash of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("a hash has 32 bytes, not " + bytes.length);
    }
    return new Hash(bytes.clone());
  }

  /// Over all parts, one after the other, without anything between them.
  public static Hash sha256(byte[]... parts) {
    MessageDigest digest = digest();
    for (byte[] part : parts) {
      digest.update(part);
    }
    return new Hash(digest.digest());
  }

  /// Of standard base64, padded, in its only canonical form.
  ///
  /// @throws IllegalArgumentException if it is anything else, or not of 32 bytes
  public static Hash ofBase64(String text) {
    Hash hash = of(Base64.getDecoder().decode(text));
    if (!hash.base64().equals(text)) {
      throw new IllegalArgumentException("not canonical base64: " + text);
    }
    return hash;
  }

  /// Of `sha256:` and 64 lower-case hexadecimal digits.
  ///
  /// @throws IllegalArgumentException if it is anything else
  public static Hash ofText(String text) {
    if (text.length() != PREFIX.length() + 2 * BYTES
        || !text.startsWith(PREFIX)
        || !text.chars().skip(PREFIX.length()).allMatch(c -> "0123456789abcdef".indexOf(c) >= 0)) {
      throw new IllegalArgumentException(
          "is \"" + text + "\", must be sha256: and 64 lower-case hexadecimal digits");
    }
    return new Hash(HexFormat.of().parseHex(text, PREFIX.length(), text.length()));
  }

  public byte[] bytes() {
    return bytes.clone();
  }

  public String base64() {
    return Base64.getEncoder().encodeToString(bytes);
  }

  /// `sha256:` and 64 lower-case hexadecimal digits.
  public String text() {
    return PREFIX + HexFormat.of().formatHex(bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Hash hash && Arrays.equals(bytes, hash.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return text();
  }

  /// A running SHA-256.
  public static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
