package dev.tributary.client;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.util.ArrayList;
import java.util.List;

/// A growing Merkle tree as the roots of the perfect trees that it splits into, the largest first:
/// all it takes to add leaves and to know the root, at most 63 hashes.
final class Frontier {
  private final List<Hash> peaks;
  private long size;

  /// The empty tree.
  Frontier() {
    this(0, List.of());
  }

  /// @param peaks one for each bit of `size` that is set, the highest first
  Frontier(long size, List<Hash> peaks) {
    if (size < 0 || Long.bitCount(size) != peaks.size()) {
      throw new IllegalArgumentException("%d peaks for %d leaves".formatted(peaks.size(), size));
    }
    this.size = size;
    this.peaks = new ArrayList<>(peaks);
  }

  /// @param leaf the hash of the next leaf
  void add(Hash leaf) {
    Hash peak = leaf;
    for (long rest = size; (rest & 1) == 1; rest >>= 1) {
      peak = Merkle.node(peaks.removeLast(), peak);
    }
    peaks.add(peak);
    size++;
  }

  long size() {
    return size;
  }

  List<Hash> peaks() {
    return List.copyOf(peaks);
  }

  Hash root() {
    if (peaks.isEmpty()) {
      return Merkle.EMPTY;
    }
    Hash root = peaks.getLast();
    for (Hash peak : peaks.reversed().subList(1, peaks.size())) {
      root = Merkle.node(peak, root);
    }
    return root;
  }
}
