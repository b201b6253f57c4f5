package dev.tributary.server.adapter;

import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;

/// One version's files on their way in. What has come is what the disk has, so an upload goes on
/// after any end; a wrong byte anywhere is found by [#check].
///
/// Only the latest stream that opened an upload may write to it: a client whose connection broke
/// comes back before the server has noticed. Thread safe.
final class Upload {
  private static final int BUFFER = 1 << 16;

  private final Path folder;
  private final List<UploadFile> files;
  private final Disk disk;
  private final long[] sizes;
  private boolean open = true;

  Upload(Path folder, List<UploadFile> files, Disk disk) throws IOException {
    this.folder = folder;
    this.files = List.copyOf(files);
    this.disk = disk;
    sizes = new long[files.size()];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = size(path(i));
      if (sizes[i] > files.get(i).size()) {
        throw new IOException(path(i) + " has more bytes than were announced");
      }
    }
  }

  Path folder() {
    return folder;
  }

  /// Bytes of each file that are on disk.
  synchronized long[] offsets() {
    return sizes.clone();
  }

  /// Ends the use of this object; another stream goes on with the files.
  synchronized void supersede() {
    open = false;
  }

  /// Appends to a file.
  ///
  /// @param offset of the first byte; must be how many the file has
  /// @throws InvalidUploadException if the bytes belong nowhere
  synchronized void write(int file, long offset, ByteBuffer data) throws IOException {
    requireOpen();
    if (file < 0 || file >= sizes.length) {
      throw new InvalidUploadException(
          "chunk.file", "is " + file + "; the header has " + sizes.length + " files");
    }
    if (offset != sizes[file]) {
      throw new InvalidUploadException(
          "chunk.offset", "is " + offset + ", must be " + sizes[file] + ", what is here already");
    }
    if (data.remaining() > files.get(file).size() - offset) {
      throw new InvalidUploadException(
          "chunk.data", "goes beyond the " + files.get(file).size() + " bytes of the file");
    }
    int length = data.remaining();
    disk.write(path(file), offset, data);
    sizes[file] += length;
  }

  /// Whether every byte has come.
  synchronized boolean isWhole() {
    for (int i = 0; i < sizes.length; i++) {
      if (sizes[i] != files.get(i).size()) {
        return false;
      }
    }
    return true;
  }

  /// Reads every file back and compares its digest; empty files are made now.
  ///
  /// @throws InvalidUploadException naming the first file that is not what was announced
  synchronized void check() throws IOException {
    requireOpen();
    for (int i = 0; i < sizes.length; i++) {
      UploadFile file = files.get(i);
      if (file.size() == 0) {
        disk.write(path(i), 0, ByteBuffer.allocate(0));
      }
      String found = digest(path(i));
      if (sizes[i] != file.size() || !found.equals(file.digest())) {
        throw new InvalidUploadException(
            "header.files[" + i + "].digest",
            "is %s, but the %,d bytes that came have %s".formatted(file.digest(), sizes[i], found));
      }
    }
  }

  private void requireOpen() throws IOException {
    if (!open) {
      throw new IOException("another stream goes on with this upload");
    }
  }

  private String digest(Path file) throws IOException {
    MessageDigest digest = Hash.digest();
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    try (ReadableByteChannel channel = disk.read(file)) {
      while (channel.read(buffer) >= 0) {
        digest.update(buffer.flip());
        buffer.clear();
      }
    }
    return Hash.of(digest.digest()).text();
  }

  private Path path(int file) {
    return folder.resolve(files.get(file).name());
  }

  private static long size(Path file) throws IOException {
    try {
      return Files.size(file);
    } catch (NoSuchFileException e) {
      return 0;
    }
  }
}
