package dev.tributary.server.adapter;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/// Where folders go to be deleted: a folder leaves its place at once and whole, and only then loses
/// its files, so that no half of it is ever found. Thread safe.
final class Trash {
  /// Folders of ours hold files and nothing else; this is what a quarantined one may be inside.
  private static final int MAX_DEPTH = 4;

  private final Path root;
  private final Disk disk;

  /// @param root on the same file system as what is thrown away
  Trash(Path root, Disk disk) throws IOException {
    this.root = root;
    this.disk = disk;
    disk.makeFolder(root);
  }

  /// Deletes a folder and its files; nothing if it is missing.
  synchronized void throwAway(Path folder) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      disk.delete(folder);
      return;
    }
    Path gone = root.resolve(UUID.randomUUID().toString());
    disk.rename(folder, gone);
    // Else a loss of power could give the folder its name back, but not its files.
    disk.sync(folder.resolveSibling(""));
    delete(gone, MAX_DEPTH);
  }

  /// Deletes what an end of the process left behind.
  ///
  /// @param most folders to delete in this call
  /// @return how many were deleted
  synchronized int empty(int most) throws IOException {
    int deleted = 0;
    for (Path folder : entries(root)) {
      if (deleted == most) {
        break;
      }
      delete(folder, MAX_DEPTH);
      deleted++;
    }
    return deleted;
  }

  private void delete(Path path, int depth) throws IOException {
    if (depth > 0 && Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      for (Path entry : entries(path)) {
        delete(entry, depth - 1);
      }
    }
    disk.delete(path);
  }

  /// What is in a folder, in no order; nothing if it is missing.
  static List<Path> entries(Path folder) throws IOException {
    List<Path> entries = new ArrayList<>();
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return entries;
    }
    try (DirectoryStream<Path> paths = Files.newDirectoryStream(folder)) {
      paths.forEach(entries::add);
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return entries;
  }
}
