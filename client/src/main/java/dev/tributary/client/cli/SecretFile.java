package dev.tributary.client.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/// A file that only its owner may read, written whole or not at all.
///
/// It is made beside its place before the secret exists, so that a folder that cannot be written is
/// found out in time, and moved there with the secret in it.
final class SecretFile implements AutoCloseable {
  private final Path place;
  private final Path beside;

  private SecretFile(Path place, Path beside) {
    this.place = place;
    this.beside = beside;
  }

  static SecretFile prepare(Path place) throws IOException {
    Path folder = place.toAbsolutePath().getParent();
    if (folder == null || Files.isDirectory(place)) {
      throw new IOException(place + " is a folder");
    }
    Path beside =
        Files.createTempFile(
            folder,
            ".tributary",
            null,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    return new SecretFile(place, beside);
  }

  /// Writes the secret on a line and puts the file into its place, over one that was there.
  void write(String secret) throws IOException {
    write((secret + "\n").getBytes(StandardCharsets.US_ASCII));
  }

  /// Writes these bytes and puts the file into its place, over one that was there.
  void write(byte[] bytes) throws IOException {
    Files.write(beside, bytes);
    Files.move(beside, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /// Removes what was not put into place.
  @Override
  public void close() throws IOException {
    Files.deleteIfExists(beside);
  }
}
