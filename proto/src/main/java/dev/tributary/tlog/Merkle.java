package dev.tributary.tlog;

import java.util.ArrayList;
import java.util.List;

/// The Merkle tree of RFC 6962, section 2.1.
///
/// A tree of n > 1 leaves splits into the largest power of two below n on the left and the rest on
/// the right. Proofs list hashes from the leaf up.
public final class Merkle {
  /// Most hashes of an inclusion proof; a tree has fewer than 2^63 leaves.
  public static final int MAX_INCLUSION = 63;

  /// Most hashes of a consistency proof.
  public static final int MAX_CONSISTENCY = 64;

  /// The root of the tree without leaves.
  public static final Hash EMPTY = Hash.sha256();

  private static final byte[] LEAF = {0};
  private static final byte[] NODE = {1};

  /// Where the hashes of a tree are kept.
  public interface Nodes {
    /// The root of the perfect subtree of 2^level leaves that begins at leaf index * 2^level, all
    /// of which are in the tree.
    Hash node(int level, long index);
  }

  private Merkle() {}

  public static Hash leaf(byte[] entry) {
    return Hash.sha256(LEAF, entry);
  }

  public static Hash node(Hash left, Hash right) {
    return Hash.sha256(NODE, left.bytes(), right.bytes());
  }

  /// The root over these leaf hashes, in their order.
  public static Hash root(List<Hash> leaves) {
    return root(leaves.size(), of(leaves));
  }

  /// The root of the first `size` leaves.
  public static Hash root(long size, Nodes nodes) {
    return size == 0 ? EMPTY : subtree(0, size, nodes);
  }

  /// A tree that is kept as its leaf hashes; every node costs as many hashes as it has leaves.
  public static Nodes of(List<Hash> leaves) {
    List<Hash> all = List.copyOf(leaves);
    return new Nodes() {
      @Override
      public Hash node(int level, long index) {
        return level == 0
            ? all.get(Math.toIntExact(index))
            : Merkle.node(node(level - 1, 2 * index), node(level - 1, 2 * index + 1));
      }
    };
  }

  /// The hashes that lead from leaf `index` to the root of the first `size` leaves.
  public static List<Hash> inclusionProof(long index, long size, Nodes nodes) {
    checkIndex(index, size);
    List<Hash> proof = new ArrayList<>();
    long begin = 0;
    long end = size;
    while (end - begin > 1) {
      long middle = begin + split(end - begin);
      if (index < middle) {
        proof.addFirst(subtree(middle, end, nodes));
        end = middle;
      } else {
        proof.addFirst(subtree(begin, middle, nodes));
        begin = middle;
      }
    }
    return proof;
  }

  /// The hashes that lead from the root of the first `oldSize` leaves to that of `newSize`.
  public static List<Hash> consistencyProof(long oldSize, long newSize, Nodes nodes) {
    checkSizes(oldSize, newSize);
    List<Hash> proof = new ArrayList<>();
    if (oldSize == 0 || oldSize == newSize) {
      return proof;
    }
    long begin = 0;
    long end = newSize;
    while (end != oldSize) {
      long middle = begin + split(end - begin);
      if (oldSize <= middle) {
        proof.addFirst(subtree(middle, end, nodes));
        end = middle;
      } else {
        proof.addFirst(subtree(begin, middle, nodes));
        begin = middle;
      }
    }
    if (begin > 0) {
      proof.addFirst(subtree(begin, end, nodes));
    }
    return proof;
  }

  /// Whether `proof` leads from the hash of leaf `index` to `root`, that of `size` leaves (RFC
  /// 9162, section 2.1.3.2).
  public static boolean included(Hash leaf, long index, long size, List<Hash> proof, Hash root) {
    if (index < 0 || index >= size) {
      return false;
    }
    long at = index;
    long last = size - 1;
    Hash hash = leaf;
    for (Hash sibling : proof) {
      if (last == 0) {
        return false;
      }
      if ((at & 1) == 1 || at == last) {
        hash = node(sibling, hash);
        while ((at & 1) == 0 && at != 0) {
          at >>= 1;
          last >>= 1;
        }
      } else {
        hash = node(hash, sibling);
      }
      at >>= 1;
      last >>= 1;
    }
    return last == 0 && hash.equals(root);
  }

  /// Whether `proof` shows that the first `oldSize` leaves of the tree of `newSize` are those of
  /// the old one (RFC 9162, section 2.1.4.2).
  public static boolean consistent(
      long oldSize, Hash oldRoot, long newSize, Hash newRoot, List<Hash> proof) {
    if (oldSize < 0 || oldSize > newSize) {
      return false;
    }
    if (oldSize == newSize) {
      return proof.isEmpty() && oldRoot.equals(newRoot);
    }
    if (oldSize == 0) {
      return proof.isEmpty() && oldRoot.equals(EMPTY);
    }
    return leadsToBoth(oldSize, oldRoot, newSize, newRoot, proof);
  }

  private static boolean leadsToBoth(
      long oldSize, Hash oldRoot, long newSize, Hash newRoot, List<Hash> proof) {
    List<Hash> path = new ArrayList<>(proof);
    if (Long.bitCount(oldSize) == 1) {
      path.addFirst(oldRoot);
    }
    if (path.isEmpty()) {
      return false;
    }
    int shift = Long.numberOfTrailingZeros(oldSize);
    long at = (oldSize - 1) >> shift;
    long last = (newSize - 1) >> shift;
    Hash old = path.getFirst();
    Hash now = old;
    for (Hash hash : path.subList(1, path.size())) {
      if (last == 0) {
        return false;
      }
      if ((at & 1) == 1 || at == last) {
        old = node(hash, old);
        now = node(hash, now);
        while ((at & 1) == 0 && at != 0) {
          at >>= 1;
          last >>= 1;
        }
      } else {
        now = node(now, hash);
      }
      at >>= 1;
      last >>= 1;
    }
    return last == 0 && old.equals(oldRoot) && now.equals(newRoot);
  }

  /// The hash over leaves [begin, end), where begin is a multiple of the power of two that is not
  /// below their number.
  private static Hash subtree(long begin, long end, Nodes nodes) {
    long leaves = end - begin;
    if (Long.bitCount(leaves) == 1) {
      int level = Long.numberOfTrailingZeros(leaves);
      return nodes.node(level, begin >> level);
    }
    long middle = begin + split(leaves);
    return node(subtree(begin, middle, nodes), subtree(middle, end, nodes));
  }

  /// The largest power of two below `leaves`, which are at least two.
  private static long split(long leaves) {
    return Long.highestOneBit(leaves - 1);
  }

  private static void checkIndex(long index, long size) {
    if (index < 0 || index >= size) {
      throw new IllegalArgumentException("leaf " + index + " is not in a tree of " + size);
    }
  }

  private static void checkSizes(long oldSize, long newSize) {
    if (oldSize < 0 || oldSize > newSize) {
      throw new IllegalArgumentException("a tree of " + oldSize + " grew to " + newSize);
    }
  }
}
