package dev.tributary.server.ledger;

import dev.tributary.record.KeyRotationRecord;
import dev.tributary.record.Kind;
import dev.tributary.record.Leaf;
import dev.tributary.record.RecordException;
import dev.tributary.record.Sealed;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/// Compares the keys that the folder knows with the leaves that announce them.
final class RotationCheck {
  private final LogKeys keys;
  private final Set<Long> announced = new HashSet<>();

  RotationCheck(LogKeys keys) {
    this.keys = keys;
  }

  /// What leaves say is not the log's business, so that one that is no record is none of a key.
  void check(long index, byte[] bytes, Consumer<String> problems) {
    KeyRotationRecord rotation;
    try {
      Leaf leaf = Leaf.decode(bytes);
      if (leaf.kind() != Kind.KEY_ROTATION) {
        return;
      }
      rotation = KeyRotationRecord.of(new Sealed(leaf, List.of()));
    } catch (RecordException e) {
      return;
    }
    check(index, rotation, problems);
  }

  private void check(long index, KeyRotationRecord rotation, Consumer<String> problems) {
    boolean known =
        keys.keys().contains(new LogKeys.From(index, rotation.newKey()))
            && keys.of(index).equals(rotation.oldKey());
    if (!known || rotation.size() != index || !rotation.signed()) {
      problems.accept("leaf " + index + " announces another key than the folder knows of");
    }
    announced.add(index);
  }

  /// @param leaves that were checked
  void checkEnd(long leaves, Consumer<String> problems) {
    for (LogKeys.From from : keys.keys()) {
      if (from.size() > 0 && from.size() < leaves && !announced.contains(from.size())) {
        problems.accept("leaf " + from.size() + " does not announce " + from.key());
      }
    }
  }
}
