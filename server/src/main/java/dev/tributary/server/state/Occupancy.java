package dev.tributary.server.state;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Keeps other processes off a file, by a lock on a second one (`state.db.lock`) that says who
/// holds it. The system drops the lock with the process, however that ends; the second file stays.
///
/// The lock can't lie on the database itself: closing any channel of a file drops all of the
/// process's POSIX locks on it, SQLite's too. For the same reason a second opener in this process
/// is stopped before it opens a channel.
final class Occupancy implements AutoCloseable {
  private static final Set<Path> HERE = ConcurrentHashMap.newKeySet();

  /// Beyond the text, so that it can be read where locks forbid reading.
  private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

  /// Of the text that says who.
  private static final int MAX_BYTES = 1_000;

  private final Path file;
  private final FileChannel channel;

  private Occupancy(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /// @param file absolute, without links
  static Occupancy take(Path file, Instant now) {
    if (!HERE.add(file)) {
      throw taken(file, "this process");
    }
    try {
      return new Occupancy(file, lock(file, now));
    } catch (IOException e) {
      HERE.remove(file);
      throw new StateException(
          new StateException.Unavailable(lockFile(file) + " can't be locked: " + e.getMessage()),
          e);
    } catch (RuntimeException e) {
      HERE.remove(file);
      throw e;
    }
  }

  private static FileChannel lock(Path file, Instant now) throws IOException {
    FileChannel channel =
        FileChannel.open(
            lockFile(file),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    try {
      @Nullable FileLock lock = channel.tryLock(LOCKED_BYTE, 1, false);
      if (lock == null) {
        throw taken(file, holder(channel));
      }
      String holder = "process " + ProcessHandle.current().pid() + " since " + now;
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(holder.getBytes(UTF_8)), 0);
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(MAX_BYTES);
    channel.read(text, 0);
    return text.position() == 0 ? "another process" : UTF_8.decode(text.flip()).toString();
  }

  private static StateException taken(Path file, String by) {
    return new StateException(
        new StateException.Unavailable(file + " is in use by " + by + "; one server at a time"));
  }

  private static Path lockFile(Path file) {
    return file.resolveSibling(file.getFileName() + ".lock");
  }

  @Override
  public void close() {
    if (!channel.isOpen()) {
      // The file may be another's by now.
      return;
    }
    try {
      channel.close();
    } catch (IOException e) {
      throw new StateException(
          new StateException.Unavailable(lockFile(file) + " can't be unlocked: " + e.getMessage()),
          e);
    } finally {
      HERE.remove(file);
    }
  }
}
