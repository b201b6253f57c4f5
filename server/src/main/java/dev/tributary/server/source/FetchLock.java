package dev.tributary.server.source;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// Keeps two processes from fetching one file at once. The lock file stays: deleting it would let a
/// third process lock a file of the same name while the second waits for the old one.
final class FetchLock implements AutoCloseable {
  private final FileChannel channel;

  private FetchLock(FileChannel channel) {
    this.channel = channel;
  }

  /// Waits until no other process has the lock of `file`; ends with that process at the latest.
  ///
  /// @throws SourceException if this process itself has it
  static FetchLock of(Path file, Progress progress) throws IOException {
    Path lockFile = file.resolveSibling(file.getFileName() + ".lock");
    Files.createDirectories(lockFile.toAbsolutePath().getParent());
    FileChannel channel =
        FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      @Nullable FileLock lock = channel.tryLock();
      if (lock == null) {
        progress.line("another process is fetching " + file.getFileName() + ": waiting for it");
        channel.lock();
      }
      return new FetchLock(channel);
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw new SourceException("this process is fetching " + file + " already", e);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
