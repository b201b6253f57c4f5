package dev.tributary.server.train;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;

/// The steps by which runs are stored; each may fail, and the process may end between any two. An
/// interface because tests do both at every step.
interface Disk {
  /// Makes a folder and its parents; nothing if it is there.
  void makeFolder(Path folder) throws IOException;

  /// A new file in place of what may be there.
  OutputStream create(Path file) throws IOException;

  InputStream open(Path file) throws IOException;

  boolean exists(Path path) throws IOException;

  /// What is in a folder.
  List<Path> entries(Path folder) throws IOException;

  /// Returns when a file's bytes, or a folder's entries, would survive a loss of power.
  void sync(Path path) throws IOException;

  /// Gives a file or folder another name, at once, in place of a file that may have it.
  void rename(Path from, Path to) throws IOException;

  /// Deletes a file or an empty folder; nothing if it is missing.
  void delete(Path path) throws IOException;
}
