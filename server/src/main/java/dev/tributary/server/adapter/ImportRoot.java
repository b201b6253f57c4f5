package dev.tributary.server.adapter;

import dev.tributary.identity.AdapterDigest;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/// The folder of the server's machine that administrators may import adapters from.
///
/// A path is resolved with all its links, the result must lie below the root, and is then opened
/// folder by folder from the root without following any link: what was checked is what is read,
/// whoever changes the tree meanwhile. Everything that cannot be imported is answered alike, so
/// that nobody learns what lies elsewhere.
final class ImportRoot {
  private static final List<String> FILES =
      List.of(AdapterDigest.CONFIG_FILE, AdapterDigest.WEIGHTS_FILE, ProbeFile.NAME);

  private final Path root;

  ImportRoot(Path root) throws IOException {
    this.root = root.toRealPath();
  }

  /// Copies an adapter's files into a folder of `staging`.
  ///
  /// @param path of a PEFT folder: relative to the root, or absolute and below it
  /// @param mostBytes of all files together
  /// @throws AdapterException if there is no such folder below the root, or it is too large
  void copy(String path, Staging staging, Path into, long mostBytes) throws IOException {
    long left = mostBytes;
    for (String file : FILES) {
      try (SeekableByteChannel channel = open(resolve(path, file))) {
        left -= staging.copy(channel, into.resolve(file), left);
      } catch (NoSuchFileException e) {
        if (file.equals(ProbeFile.NAME)) {
          continue;
        }
        throw refused(path, file);
      }
    }
  }

  /// Where a file really is, relative to the root.
  Path resolve(String folder, String file) throws IOException {
    Path real;
    try {
      real = root.resolve(folder).resolve(file).toRealPath();
    } catch (NoSuchFileException e) {
      throw e;
    } catch (FileSystemException | InvalidPathException e) {
      // A loop of links, a name that cannot be, a folder that may not be searched.
      throw refused(folder, file);
    }
    if (!real.startsWith(root)) {
      throw refused(folder, file);
    }
    return root.relativize(real);
  }

  /// Opens a file below the root; fails if any name on the way is a link by now.
  SeekableByteChannel open(Path relative) throws IOException {
    Deque<DirectoryStream<Path>> opened = new ArrayDeque<>();
    try {
      SecureDirectoryStream<Path> folder = secure(Files.newDirectoryStream(root), opened);
      for (int i = 0; i < relative.getNameCount() - 1; i++) {
        folder =
            secure(
                folder.newDirectoryStream(relative.getName(i), LinkOption.NOFOLLOW_LINKS), opened);
      }
      Path name = relative.getFileName();
      BasicFileAttributeView view =
          folder.getFileAttributeView(
              name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
      if (!view.readAttributes().isRegularFile()) {
        throw new NoSuchFileException(name.toString());
      }
      return folder.newByteChannel(
          name, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
    } finally {
      for (DirectoryStream<Path> stream : opened) {
        stream.close();
      }
    }
  }

  private static SecureDirectoryStream<Path> secure(
      DirectoryStream<Path> stream, Deque<DirectoryStream<Path>> opened) throws IOException {
    opened.push(stream);
    if (stream instanceof SecureDirectoryStream<Path> secure) {
      return secure;
    }
    throw new IOException("this file system cannot be imported from safely");
  }

  private static AdapterException refused(String path, String file) {
    return new AdapterException(
        new AdapterRefusal.Malformed(
            path, "has no " + file + " that may be imported; see --import-root"));
  }
}
