package dev.tributary.server.ledger;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.util.ArrayList;
import java.util.List;

/// A tree that grows leaf by leaf and knows its root, with memory for one hash per level.
final class Frontier {
  /// Of the perfect subtrees that the leaves so far fall into, the largest first.
  private final List<Hash> subtrees = new ArrayList<>();

  private long size;

  void add(Hash leaf) {
    Hash hash = leaf;
    for (long rest = size; (rest & 1) == 1; rest >>= 1) {
      hash = Merkle.node(subtrees.removeLast(), hash);
    }
    subtrees.add(hash);
    size++;
  }

  long size() {
    return size;
  }

  Hash root() {
    if (subtrees.isEmpty()) {
      return Merkle.EMPTY;
    }
    Hash root = subtrees.getLast();
    for (int i = subtrees.size() - 2; i >= 0; i--) {
      root = Merkle.node(subtrees.get(i), root);
    }
    return root;
  }
}
