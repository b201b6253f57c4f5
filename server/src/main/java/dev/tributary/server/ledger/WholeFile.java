package dev.tributary.server.ledger;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/// Small files that are read and replaced whole.
final class WholeFile {
  private static final int MOST = 4 << 20;

  private WholeFile() {}

  /// The text of a file; empty if there is none.
  static Optional<String> read(Disk disk, Path file) throws IOException {
    if (disk.size(file) < 0) {
      return Optional.empty();
    }
    byte[] bytes = disk.read(file, 0, MOST + 1);
    if (bytes.length > MOST) {
      throw new LedgerRefused(file + " has more than " + MOST + " bytes");
    }
    return Optional.of(new String(bytes, StandardCharsets.UTF_8));
  }

  /// Returns when the file has this text and would have it after a loss of power. In between, it
  /// has its old text or the new one.
  static void replace(Disk disk, Path file, String text) throws IOException {
    Path path = file.toAbsolutePath();
    Path written = path.resolveSibling(path.getFileName() + ".new");
    disk.delete(written);
    try (Disk.Handle handle = disk.open(written)) {
      handle.write(0, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
      handle.force();
    }
    disk.rename(written, path);
    disk.forceFolder(path.resolveSibling(""));
  }
}
