package dev.tributary.server.ledger;

import dev.tributary.record.Kind;
import dev.tributary.record.Leaf;
import dev.tributary.record.Record;
import dev.tributary.record.Sealed;
import java.util.List;
import java.util.Optional;

/// A durable leaf with what is kept of its private part.
///
/// @param index of the leaf
/// @param leaves the leaf, and before it its continuations, which have the indices before its own
/// @param sealed empty once it is erased, and for kinds without salted fields
public record Entry(long index, List<Leaf> leaves, Optional<Sealed> sealed) {
  public Entry {
    leaves = List.copyOf(leaves);
  }

  public Leaf leaf() {
    return leaves.getLast();
  }

  public Kind kind() {
    return leaf().kind();
  }

  /// What the leaf says; empty where that can't be known any more, and for a continuation.
  public Optional<Record> record() {
    return kind() == Kind.KEY_ROTATION
        ? Optional.of(Record.of(new Sealed(leaf(), List.of())))
        : sealed.map(Record::of);
  }
}
