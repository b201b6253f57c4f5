package dev.tributary.server.adapter;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The folder where versions' files gather before they are published, one folder below it for each.
/// Nothing in it is ever served. Thread safe.
final class Staging {
  private static final Logger log = LoggerFactory.getLogger(Staging.class);
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9-]{1,64}");

  /// Bytes of one write of an import.
  private static final int CHUNK = 1 << 20;

  private final Path root;
  private final Disk disk;
  private final Trash trash;
  private final Map<String, Upload> open = new HashMap<>();
  private final Set<String> claimed = new HashSet<>();

  Staging(Path root, Disk disk, Trash trash) throws IOException {
    this.root = root;
    this.disk = disk;
    this.trash = trash;
    disk.makeFolder(root);
  }

  /// Begins an upload or goes on with it; a stream that had it open loses it.
  ///
  /// @param files checked by [UploadFile#check], and the same each time
  synchronized Upload open(String id, List<UploadFile> files) throws IOException {
    if (claimed.contains(id)) {
      throw busy(id);
    }
    Path folder = folder(id);
    disk.makeFolder(folder);
    Upload upload = new Upload(folder, files, disk);
    Upload before = open.put(id, upload);
    if (before != null) {
      before.supersede();
    }
    return upload;
  }

  /// The sole right to what is staged, while it is checked and published.
  final class Claim implements AutoCloseable {
    private final String id;

    private Claim(String id) {
      this.id = id;
    }

    /// Forgets it.
    void drop() {
      try {
        trash.throwAway(folder(id));
      } catch (IOException e) {
        // It is swept at the next start.
        log.warn("staged files of {} could not be dropped", id, e);
      }
    }

    @Override
    public void close() {
      synchronized (Staging.this) {
        claimed.remove(id);
      }
    }
  }

  /// Takes an upload for oneself.
  ///
  /// @param upload still the latest that was opened, else another stream goes on with it
  synchronized Claim claim(String id, Upload upload) {
    if (open.get(id) != upload || !claimed.add(id)) {
      throw busy(id);
    }
    return new Claim(id);
  }

  private static AdapterException busy(String id) {
    return new AdapterException(
        new AdapterRefusal.Unreadable("upload " + id, "another call works on it"));
  }

  /// The stream is at its end; what it wrote stays.
  synchronized void close(String id, Upload upload) {
    upload.supersede();
    open.remove(id, upload);
  }

  /// Makes an empty folder for an import, which is open until it is dropped.
  Path fresh(String id) throws IOException {
    return open(id, List.of()).folder();
  }

  /// Copies what is left of `in` into a new file.
  ///
  /// @param most bytes that it may have
  /// @return bytes that it has
  long copy(ReadableByteChannel in, Path file, long most) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(CHUNK);
    long size = 0;
    boolean more = true;
    while (more) {
      buffer.clear();
      do {
        more = in.read(buffer) >= 0;
      } while (more && buffer.hasRemaining());
      buffer.flip();
      if (buffer.remaining() > most - size) {
        throw new AdapterException(new AdapterRefusal.TooLarge(size + buffer.remaining(), most));
      }
      size += buffer.remaining();
      disk.write(file, size - buffer.remaining(), buffer);
    }
    return size;
  }

  /// Forgets what was staged under `id`.
  synchronized void drop(String id) throws IOException {
    Upload upload = open.remove(id);
    if (upload != null) {
      upload.supersede();
    }
    trash.throwAway(folder(id));
  }

  /// Drops every folder that is not wanted and not open; what an end of the process left.
  ///
  /// @param most folders to drop in this call
  /// @return how many were dropped
  int sweep(Predicate<String> wanted, int most) throws IOException {
    int dropped = 0;
    for (Path folder : Trash.entries(root)) {
      String id = folder.getFileName().toString();
      if (dropped == most) {
        break;
      }
      synchronized (this) {
        if (!open.containsKey(id) && !wanted.test(id)) {
          trash.throwAway(folder);
          dropped++;
        }
      }
    }
    return dropped;
  }

  private Path folder(String id) {
    if (!ID.matcher(id).matches()) {
      throw new IllegalArgumentException("no id of an upload: " + id);
    }
    return root.resolve(id);
  }
}
