package dev.tributary.server.source;

import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// The folder of downloaded models: `TRIBUTARY_CACHE`, or `tributary/models` below the user's cache
/// folder.
record CacheFolder(Path root) {
  private static final int BUFFER = 1 << 16;

  /// File locks are the whole process's; this one is between its threads.
  private static final ReentrantLock ONE_AT_A_TIME = new ReentrantLock();

  interface Work {
    Path run() throws IOException, InterruptedException;
  }

  static CacheFolder of(Map<String, String> environment) {
    String own = environment.getOrDefault("TRIBUTARY_CACHE", "");
    return new CacheFolder(
        own.isEmpty()
            ? userCache(environment).resolve("tributary").resolve("models")
            : Path.of(own).toAbsolutePath());
  }

  /// `XDG_CACHE_HOME`, or `~/.cache`.
  static Path userCache(Map<String, String> environment) {
    String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
    return xdg.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(xdg);
  }

  /// Runs `work` while no other thread or process works below `folder`, which is made.
  Path locked(Path folder, Progress progress, Work work) throws InterruptedException {
    ONE_AT_A_TIME.lockInterruptibly();
    try {
      Files.createDirectories(folder);
      try (FileChannel channel =
              FileChannel.open(
                  folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock lock = lock(channel, folder, progress)) {
        return work.run();
      }
    } catch (IOException e) {
      throw SourceException.unwritable(folder, e);
    } finally {
      ONE_AT_A_TIME.unlock();
    }
  }

  /// Waits without a bound of its own: the holder's steps are bounded, and its end frees the lock.
  private static FileLock lock(FileChannel channel, Path folder, Progress progress)
      throws IOException {
    FileLock free = channel.tryLock();
    if (free != null) {
      return free;
    }
    progress.line("waiting for another process that is downloading to " + folder);
    return channel.lock();
  }

  /// The folder of a file that is to be written, made if it isn't there.
  static Path folderOf(Path file) throws IOException {
    return Files.createDirectories(file.toAbsolutePath().resolveSibling(""));
  }

  /// Refuses a download for which the disk has no room.
  static void requireSpace(Path folder, long bytes) throws IOException {
    long free = Files.getFileStore(folder).getUsableSpace();
    if (free < bytes) {
      throw new SourceException(
          folder
              + " has "
              + Progress.size(free)
              + " free where "
              + Progress.size(bytes)
              + " are needed; free some disk, or set TRIBUTARY_CACHE to a folder that has room");
    }
  }

  /// Copies what is left of `in`, at most `limit` bytes of it.
  ///
  /// @return bytes copied
  /// @throws IOException if `in` fails or is longer; [SourceException] if `part` can't be written
  static long copy(InputStream in, OutputStream out, Path part, long limit, Progress progress)
      throws IOException {
    byte[] buffer = new byte[BUFFER];
    long copied = 0;
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      copied += n;
      if (copied > limit) {
        throw new IOException("more than the " + limit + " bytes that it should have");
      }
      try {
        out.write(buffer, 0, n);
      } catch (IOException e) {
        throw SourceException.unwritable(part, e);
      }
      progress.add(n);
    }
    return copied;
  }

  /// Gives a finished file its name.
  static void finish(Path part, Path target) throws IOException {
    try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /// Whether a cached file is there and, where a digest is pinned, has it. A wrong one is named.
  static boolean isGood(Path file, @Nullable String sha256, Progress progress) throws IOException {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    if (sha256 == null) {
      return true;
    }
    String actual = sha256(file);
    if (!actual.equals(sha256)) {
      progress.line(file + " is not used: its SHA-256 is " + actual + ", expected " + sha256);
    }
    return actual.equals(sha256);
  }

  /// The SHA-256 of a file in lower-case hex.
  static String sha256(Path file) throws IOException {
    MessageDigest digest = Hash.digest();
    byte[] buffer = new byte[BUFFER];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /// Deletes a folder of ours and all in it, if it is there; links are not followed.
  static void deleteFolder(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
