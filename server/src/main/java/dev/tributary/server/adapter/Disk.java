package dev.tributary.server.adapter;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;

/// The steps by which files are stored; each may fail, and the process may end between any two. An
/// interface because tests do both at every step.
interface Disk {
  /// Makes a folder and its parents; nothing if it is there.
  void makeFolder(Path folder) throws IOException;

  /// Writes all of `data` to `file` from byte `offset` on; the file is made if it is missing. A
  /// failure may leave some of it written.
  void write(Path file, long offset, ByteBuffer data) throws IOException;

  /// The bytes of a file, from its first.
  ReadableByteChannel read(Path file) throws IOException;

  /// Returns when a file's bytes, or a folder's entries, would survive a loss of power.
  void sync(Path path) throws IOException;

  /// Gives a file or folder another name, at once; nothing but an empty folder may have it.
  void rename(Path from, Path to) throws IOException;

  /// Deletes a file or an empty folder; nothing if it is missing.
  void delete(Path path) throws IOException;
}
