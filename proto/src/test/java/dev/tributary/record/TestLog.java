package dev.tributary.record;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.SigningKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// A log in memory, from which receipts are made.
final class TestLog {
  static final String ORIGIN = "log.example/tributary";
  static final SigningKey KEY = key(1);
  static final SigningKey WITNESS = SigningKey.generate("witness.example", Samples.seeded(99));

  /// When the witness saw whatever it saw.
  static final long TIME = 1_790_000_000;

  final List<Hash> hashes = new ArrayList<>();
  private final Map<Hash, Long> indices = new HashMap<>();
  private long seed;

  static SigningKey key(long seed) {
    return SigningKey.generate(ORIGIN, Samples.seeded(1000 + seed));
  }

  /// Needs the one witness.
  static Policy witnessed() {
    return new Policy(
        List.of(new Policy.Log(KEY.verifierKey(), Optional.empty())),
        List.of(new Policy.Witness("w", WITNESS.cosignerKey(), Optional.empty())),
        List.of(),
        "w");
  }

  /// Leaves that nobody asks for.
  TestLog fill(int leaves) {
    for (int i = 0; i < leaves; i++) {
      append(new StartedRecord("other", "other", List.of(), 0));
    }
    return this;
  }

  long size() {
    return hashes.size();
  }

  Sealed append(Record record) {
    return append(record.seal(Samples.seeded(seed++)));
  }

  Sealed append(Sealed sealed) {
    for (Leaf leaf : sealed.leaves()) {
      indices.put(leaf.hash(), size());
      hashes.add(leaf.hash());
    }
    return sealed;
  }

  long index(Sealed sealed) {
    return index(sealed.leaf());
  }

  private long index(Leaf leaf) {
    return Objects.requireNonNull(indices.get(leaf.hash()));
  }

  /// Against the tree as it is now.
  Proven proven(Sealed sealed) {
    return Proven.of(
        sealed,
        sealed.leaves().stream()
            .map(this::index)
            .map(
                index ->
                    new Proven.Place(
                        index, Merkle.inclusionProof(index, size(), Merkle.of(hashes))))
            .toList());
  }

  /// Of the tree as it is now.
  Checkpoint tree() {
    return new Checkpoint(ORIGIN, size(), Merkle.root(hashes));
  }

  Note signed(SigningKey key) {
    return key.signed(tree().text());
  }

  Note cosigned(SigningKey key) {
    return signed(key).with(WITNESS.cosign(tree().text(), TIME));
  }
}
