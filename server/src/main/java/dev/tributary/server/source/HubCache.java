package dev.tributary.server.source;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;
import java.util.Optional;

/// One repository in Hugging Face's cache, in the layout that its own tools use: `blobs/TAG`,
/// `snapshots/COMMIT/FILE` linked to a blob, `refs/REVISION` with the commit as text.
record HubCache(Path folder) {
  private static final int MAX_REF_CHARS = 40;

  static HubCache of(Environment environment, String owner, String repository) {
    return new HubCache(
        environment.hubCache().resolve("models--" + owner + "--" + repository).toAbsolutePath());
  }

  Path blob(String tag) {
    return folder.resolve("blobs").resolve(tag);
  }

  Path snapshot(String commit) {
    return folder.resolve("snapshots").resolve(commit);
  }

  /// The commit that `revision` was when it was last fetched.
  Optional<String> commit(String revision) throws IOException {
    Path ref = folder.resolve("refs").resolve(revision);
    if (Files.isRegularFile(ref) && Files.size(ref) <= MAX_REF_CHARS) {
      return Optional.of(Files.readString(ref).strip()).filter(c -> c.matches("[0-9a-f]{40}"));
    }
    return Optional.of(revision).filter(c -> c.matches("[0-9a-f]{40}"));
  }

  void remember(String revision, String commit) throws IOException {
    if (!revision.equals(commit)) {
      Path ref = folder.resolve("refs").resolve(revision);
      Files.createDirectories(ref.getParent());
      Path part = ref.resolveSibling(revision + ".part");
      Files.writeString(part, commit);
      Files.move(part, ref, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /// Makes the blob appear in the snapshot under its name.
  void link(String tag, String commit, String file) throws IOException {
    Path link = snapshot(commit).resolve(file);
    Path parent = Objects.requireNonNull(link.getParent());
    Files.createDirectories(parent);
    try {
      Files.createSymbolicLink(link, parent.relativize(blob(tag)));
    } catch (FileAlreadyExistsException e) {
      // A link whose blob was deleted, or that another process has just made: both are right now.
      if (!Files.isRegularFile(link)) {
        throw e;
      }
    } catch (FileSystemException | UnsupportedOperationException e) {
      // Windows lets not everyone make links; its Hugging Face cache holds files, too.
      Files.move(blob(tag), link, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
