package dev.tributary.server.adapter;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.function.BiPredicate;
import java.util.regex.Pattern;

/// The files of versions, by tenant and adapter digest: `ROOT/<tenant>/<hex>/`.
///
/// **A folder that is there is whole.** Its files are synced before it gets its name, its name
/// before anybody is told of it, and it loses its name before it loses a file. Whether anybody
/// wants it is not known here but from `state.db`; [#collect] takes away what nobody wants.
///
/// **Tenants share nothing,** not even a folder with the same bytes: what one stores or deletes has
/// no effect that another could notice.
///
/// Names that begin with a dot are not tenants': `.trash`, and `.quarantine` with what was found
/// damaged and beside each folder a `.reason`. Thread safe.
final class VersionFiles {
  private static final Pattern TENANT = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
  private static final Pattern DIGEST = Pattern.compile("sha256:([0-9a-f]{64})");
  private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");
  private static final String PREFIX = "sha256:";

  private record Key(String tenant, String digest) {}

  private final Path root;
  private final Path quarantine;
  private final Disk disk;
  private final Trash trash;

  /// Published, but perhaps not yet in `state.db`; how many times.
  private final Map<Key, Integer> held = new HashMap<>();

  /// Keeps a version's files from being collected until it is closed.
  final class Hold implements AutoCloseable {
    private final Key key;
    private boolean open = true;

    private Hold(Key key) {
      this.key = key;
    }

    /// Where the files are.
    Path folder() {
      return path(key);
    }

    @Override
    public void close() {
      synchronized (VersionFiles.this) {
        if (open) {
          open = false;
          held.computeIfPresent(key, (same, count) -> count == 1 ? null : count - 1);
        }
      }
    }
  }

  VersionFiles(Path root, Disk disk, Trash trash) throws IOException {
    this.root = root;
    this.disk = disk;
    this.trash = trash;
    quarantine = root.resolve(".quarantine");
    disk.makeFolder(quarantine);
  }

  /// The folder of a version's files, whether or not it is there.
  Path folder(String tenant, String digest) {
    return path(new Key(tenant, digest));
  }

  /// Gives the files in `staged` to a version; returns when they would survive a loss of power.
  ///
  /// Where the version has its files already, they stay, and `staged` is thrown away; damaged ones
  /// are replaced.
  ///
  /// @param staged a folder of plain files on the same file system, whose adapter digest is
  ///   `digest`
  /// @return to be closed when `state.db` knows the version, or never will
  Hold publish(String tenant, String digest, Path staged) throws IOException {
    Key key = new Key(tenant, digest);
    Path target = path(key);
    for (Path file : Trash.entries(staged)) {
      disk.sync(file);
    }
    disk.sync(staged);
    Hold hold = hold(key);
    try {
      synchronized (this) {
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS) && !isIntact(target, digest)) {
          quarantine(tenant, digest, "was damaged when the version came again");
        }
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
          trash.throwAway(staged);
        } else {
          disk.makeFolder(target.resolveSibling(""));
          disk.sync(root);
          disk.rename(staged, target);
        }
        // Also of a folder that was there: an earlier attempt may have ended just before this.
        disk.sync(target.resolveSibling(""));
      }
      return hold;
    } catch (IOException | RuntimeException e) {
      hold.close();
      throw e;
    }
  }

  /// Moves a version's files to where they are never served from.
  ///
  /// @return whether there were any
  synchronized boolean quarantine(String tenant, String digest, String reason) throws IOException {
    Path folder = folder(tenant, digest);
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    String name = tenant + "-" + folder.getFileName() + "-" + UUID.randomUUID();
    Path note = quarantine.resolve(name + ".reason");
    disk.write(note, 0, ByteBuffer.wrap(reason.getBytes(StandardCharsets.UTF_8)));
    disk.sync(note);
    disk.rename(folder, quarantine.resolve(name));
    disk.sync(quarantine);
    disk.sync(folder.resolveSibling(""));
    return true;
  }

  /// Deletes the files of versions that nobody wants.
  ///
  /// @param wanted whether `state.db` has the version (tenant, digest) now; asked under the lock
  ///   that [#publish] takes, so that a version is either held, wanted or garbage
  /// @param most folders to delete in this call
  /// @return how many were deleted
  int collect(BiPredicate<String, String> wanted, int most) throws IOException {
    int deleted = trash.empty(most);
    for (Path tenant : Trash.entries(root)) {
      String name = tenant.getFileName().toString();
      if (!TENANT.matcher(name).matches()) {
        continue;
      }
      for (Path folder : Trash.entries(tenant)) {
        if (deleted == most) {
          return deleted;
        }
        String hex = folder.getFileName().toString();
        if (HEX.matcher(hex).matches() && discard(name, PREFIX + hex, wanted)) {
          deleted++;
        }
      }
    }
    return deleted;
  }

  /// Deletes a version's files, unless somebody wants them.
  ///
  /// @param wanted as [#collect] has it
  /// @return whether they were deleted
  synchronized boolean discard(String tenant, String digest, BiPredicate<String, String> wanted)
      throws IOException {
    Key key = new Key(tenant, digest);
    if (held.containsKey(key) || wanted.test(tenant, digest)) {
      return false;
    }
    trash.throwAway(path(key));
    return true;
  }

  private synchronized Hold hold(Key key) {
    held.merge(key, 1, Integer::sum);
    return new Hold(key);
  }

  private static boolean isIntact(Path folder, String digest) {
    try {
      return new PeftFolder(folder).scan(Long.MAX_VALUE, Pace.full()).digest().equals(digest);
    } catch (AdapterException e) {
      // It has been an adapter once, so whatever is wrong with it now is damage.
      return false;
    }
  }

  private Path path(Key key) {
    var digest = DIGEST.matcher(key.digest);
    if (!TENANT.matcher(key.tenant).matches() || !digest.matches()) {
      throw new IllegalArgumentException("no version's key: " + key);
    }
    return root.resolve(key.tenant).resolve(digest.group(1));
  }
}
