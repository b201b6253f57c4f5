package dev.tributary.record;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.VerifierKey;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The way from a key that the reader trusts to the one that signs now.
///
/// Every rotation is signed by both of its keys, begins with the key that the one before it ended
/// with, and is at a larger size than that one. Its leaf is at the latest the first one that the
/// new key alone signs for. A checkpoint that the last key signs has more leaves than its rotation
/// says.
final class KeyChain {
  private KeyChain() {}

  /// The keys of the log from its first on, one more than rotations.
  ///
  /// @throws RecordException for a chain that is broken
  static List<VerifierKey> follow(List<Proven> rotations, Checkpoint tree) {
    List<VerifierKey> keys = new ArrayList<>();
    long size = -1;
    for (Proven proven : rotations) {
      KeyRotationRecord rotation = KeyRotationRecord.of(proven.sealed().orElseThrow());
      String which = "the rotation in leaf " + proven.index();
      RecordException.require(
          rotation.oldKey().name().equals(tree.origin()), which + " is of another log");
      RecordException.require(rotation.signed(), which + " is not signed by both of its keys");
      RecordException.require(
          keys.isEmpty() || keys.getLast().equals(rotation.oldKey()),
          which + " does not begin with the key that the one before it ended with");
      RecordException.require(
          rotation.size() > size, which + " is at no larger size than the one before it");
      RecordException.require(
          proven.index() <= rotation.size(),
          which + " ends the old key at " + rotation.size() + " leaves");
      if (keys.isEmpty()) {
        keys.add(rotation.oldKey());
      }
      keys.add(rotation.newKey());
      size = rotation.size();
    }
    RecordException.require(
        tree.size() > size, "the new key has no say at " + tree.size() + " leaves");
    return keys;
  }

  /// The policy with the log's last key in the place of those that it replaced. A key that comes
  /// back after others took its place is the last one again.
  ///
  /// @throws RecordException if the policy has none of the keys
  static Policy replace(Policy policy, List<VerifierKey> keys) {
    Set<VerifierKey> chain = new HashSet<>(keys);
    Map<VerifierKey, Policy.Log> logs = new LinkedHashMap<>();
    boolean trusted = false;
    for (Policy.Log log : policy.logs()) {
      boolean replaced = chain.contains(log.key());
      trusted |= replaced;
      Policy.Log now = replaced ? new Policy.Log(keys.getLast(), log.url()) : log;
      logs.putIfAbsent(now.key(), now);
    }
    RecordException.require(trusted, "no rotation is of a key that is trusted");
    return new Policy(
        List.copyOf(logs.values()), policy.witnesses(), policy.groups(), policy.quorum());
  }
}
