package dev.tributary.server.ledger;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/// What the ledger asks of a file system. An interface because tests lose power between any two
/// steps.
interface Disk {
  /// A file that is written by one thread. Any may force it: that is about what was written before.
  interface Handle extends AutoCloseable {
    /// All of `data`, from byte `offset` on.
    void write(long offset, ByteBuffer data) throws IOException;

    /// Returns when what was written, and the length, would survive a loss of power.
    void force() throws IOException;

    @Override
    void close() throws IOException;
  }

  /// Makes a folder and its parents; nothing if it is there.
  void makeFolder(Path folder) throws IOException;

  /// Opens a file to write to it; makes it if it is missing.
  Handle open(Path file) throws IOException;

  /// Up to `most` bytes from byte `offset` on; fewer only where the file ends.
  ///
  /// @throws java.nio.file.NoSuchFileException if there is none
  byte[] read(Path file, long offset, int most) throws IOException;

  /// Bytes of a file; -1 if there is none.
  long size(Path file) throws IOException;

  /// The names in a folder, sorted.
  List<String> list(Path folder) throws IOException;

  /// Returns when the names in a folder would survive a loss of power.
  void forceFolder(Path folder) throws IOException;

  /// Gives a file another name at once, in place of the file that has it.
  void rename(Path from, Path to) throws IOException;

  /// Deletes a file; nothing if it is missing.
  void delete(Path file) throws IOException;
}
