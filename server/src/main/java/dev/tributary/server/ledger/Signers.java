package dev.tributary.server.ledger;

import dev.tributary.record.KeyRotationRecord;
import dev.tributary.record.Sealed;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;

/// Who signs checkpoints: the key in force, and from some size on the next one.
final class Signers {
  private final Disk disk;
  private final Path folder;
  private volatile State state;

  /// @param before signs up to `size` leaves, `now` more
  private record State(LogKeys keys, SigningKey before, long size, SigningKey now) {}

  Signers(Disk disk, Path folder, LogKeys keys, SigningKey now) {
    this.disk = disk;
    this.folder = folder;
    state = new State(keys, now, 0, now);
  }

  String origin() {
    return state.now().name();
  }

  SigningKey last() {
    return state.now();
  }

  /// The size up to which the key before signed; 0 if that is no longer known here.
  long since() {
    return state.size();
  }

  /// Indices of the leaves that announced a key.
  List<Long> rotations() {
    return state.keys().keys().stream().map(LogKeys.From::size).filter(size -> size > 0).toList();
  }

  /// Signs a checkpoint of this size, which none did that was not signed yet when the key before
  /// ended.
  SigningKey of(long size) {
    State at = state;
    return size > at.size() ? at.now() : at.before();
  }

  /// The writer thread's: returns when the next start knows of the key, provided that it finds the
  /// returned leaf at index `size`, which must be the next leaf.
  Sealed rotate(SigningKey next, long size) throws IOException {
    State at = state;
    LogKeys keys = at.keys().rotated(size, next.verifierKey());
    KeyRotationRecord record = KeyRotationRecord.sign(at.now(), next, size);
    keys.write(disk, folder);
    state = new State(keys, at.now(), size, next);
    return record.seal(new SecureRandom());
  }
}
