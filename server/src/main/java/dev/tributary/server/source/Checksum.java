package dev.tributary.server.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/// A digest that a file must have.
///
/// @param hex lower-case
record Checksum(Kind kind, String hex) {
  private static final int CHUNK_BYTES = 1 << 20;

  enum Kind {
    SHA256,
    /// Git's name of a file: SHA-1 over `blob`, its size and its bytes.
    GIT_BLOB
  }

  /// What an entity tag of Hugging Face's hub is: the SHA-256 of a large file, git's name of a
  /// small one; empty for a tag of another kind.
  static Optional<Checksum> ofTag(String tag) {
    if (tag.matches("[0-9a-f]{64}")) {
      return Optional.of(new Checksum(Kind.SHA256, tag));
    }
    return tag.matches("[0-9a-f]{40}")
        ? Optional.of(new Checksum(Kind.GIT_BLOB, tag))
        : Optional.empty();
  }

  static Checksum sha256(String hex) {
    return new Checksum(Kind.SHA256, hex);
  }

  /// The digest of this kind that `file` has, in lower-case hexadecimal.
  String actual(Path file) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance(kind == Kind.SHA256 ? "SHA-256" : "SHA-1");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-1 and SHA-256", e);
    }
    if (kind == Kind.GIT_BLOB) {
      digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.US_ASCII));
    }
    byte[] chunk = new byte[CHUNK_BYTES];
    try (InputStream in = Files.newInputStream(file)) {
      for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
        digest.update(chunk, 0, count);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  boolean matches(Path file) throws IOException {
    return actual(file).equals(hex);
  }

  /// Deletes `file` and fails if it has another digest.
  void require(Path file, String from) throws IOException {
    String actual = actual(file);
    if (!actual.equals(hex)) {
      Files.delete(file);
      throw new SourceException(
          "%s has the %s digest %s, expected %s: damaged on its way or not the file that was asked"
                  .formatted(from, kind, actual, hex)
              + " for; it was deleted, try again");
    }
  }
}
