package dev.tributary.server.ledger;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A log's folder as a start finds it, compared with all that was ever promised of it.
///
/// @param cosigned the file for the newest checkpoint that witnesses cosigned
/// @param signers of checkpoints
/// @param store of all leaves that can be read
/// @param checkpoints that were published
/// @param anchor if there is one
record Opening(
    Anchor cosigned, Signers signers, Store store, Checkpoints checkpoints, @Nullable Anchor anchor)
    implements AutoCloseable {
  /// Returns when what was found is durable, without the torn tail if there was one.
  ///
  /// @throws LedgerRefused if leaves are missing that were acknowledged, or if the leaves are not
  ///   those of the newest checkpoint, here or in the anchor
  static Opening of(LogSettings settings, Disk disk, Layout layout) throws IOException {
    Path folder = settings.folder().toAbsolutePath();
    disk.makeFolder(folder);
    LogKeys keys = LogKeys.open(disk, folder, settings.key().verifierKey());
    if (!keys.origin().equals(settings.origin())) {
      throw new LedgerRefused(
          folder + " has the log " + keys.origin() + ", not " + settings.origin());
    }
    Checkpoints checkpoints =
        new Checkpoints(disk, folder.resolve(Checkpoints.FILE), keys.origin());
    Store store = store(disk, folder, layout, checkpoints);
    try {
      LogKeys inForce = keys.before(store.size());
      SigningKey signer = settings.signer(inForce.last());
      Anchor anchor = settings.anchor().map(file -> new Anchor(disk, file)).orElse(null);
      if (anchor != null) {
        Optional<Checkpoint> anchored = anchor.read().map(note -> Checkpoint.parse(note.text()));
        if (anchored.isPresent()) {
          check(store, "the anchor " + anchor.file(), anchored.get());
        }
      }
      if (!inForce.equals(keys)) {
        inForce.write(disk, folder);
      }
      store.settle(checkpoints.settle());
      disk.forceFolder(folder);
      disk.forceFolder(folder.resolveSibling(""));
      return new Opening(
          new Anchor(disk, folder.resolve("cosigned")),
          new Signers(disk, folder, inForce, signer),
          store,
          checkpoints,
          anchor);
    } catch (IOException | RuntimeException e) {
      store.close();
      checkpoints.close();
      throw e;
    }
  }

  /// Takes the derived files as good if they lead to the newest checkpoint, else makes them anew.
  private static Store store(Disk disk, Path folder, Layout layout, Checkpoints checkpoints)
      throws IOException {
    Optional<Checkpoint> last = checkpoints.last().map(note -> Checkpoint.parse(note.text()));
    for (boolean trust : new boolean[] {true, false}) {
      Store store = null;
      try {
        store = Store.open(disk, folder, layout, trust);
        if (last.isPresent()) {
          check(store, "the newest checkpoint", last.get());
        } else if (store.size() > 0) {
          throw new LedgerRefused("there are leaves, and no checkpoint though one comes first");
        }
        return store;
      } catch (LedgerRefused | IOException | UncheckedIOException e) {
        if (store != null) {
          store.close();
        }
        if (!trust) {
          throw e;
        }
      }
    }
    throw new AssertionError("both ways return or throw");
  }

  /// That the log still has the leaves of a checkpoint.
  ///
  /// @param who knows of it
  static void check(Store store, String who, Checkpoint promised) {
    if (promised.size() > store.size()) {
      throw new LedgerRefused(
          String.format(
              Locale.ROOT,
              "%s is of %d leaves, and the log has only %d: it was rolled back",
              who,
              promised.size(),
              store.size()));
    }
    Hash root = store.root(promised.size());
    if (!root.equals(promised.root())) {
      throw new LedgerRefused(
          String.format(
              Locale.ROOT,
              "%s has the root %s of the first %d leaves, and the log has %s: it was changed",
              who,
              promised.root().base64(),
              promised.size(),
              root.base64()));
    }
  }

  @Override
  public void close() throws IOException {
    try (store;
        checkpoints) {
      // Each is closed though the other may fail.
    }
  }
}
