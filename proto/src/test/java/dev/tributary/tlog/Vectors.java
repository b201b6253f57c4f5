package dev.tributary.tlog;

import java.util.List;

/// The file that this project and `.ci/tlog`, which is others' code, write for each other. Hashes
/// are in base64.
record Vectors(
    List<SignedNote> notes,
    List<Tree> checkpoints,
    List<Cosigned> cosignatures,
    List<Inclusion> inclusions,
    List<Consistency> consistencies,
    List<Proof> proofs,
    List<Judged> policies,
    List<Path> paths) {
  /// A text, and the note that comes of signing it with all those keys, in their order.
  record SignedNote(List<String> secrets, List<String> keys, String text, String note) {}

  /// What a note with that log's signature says.
  record Tree(String key, String origin, long size, String root, String note) {}

  /// A checkpoint with the signatures of a log and of a witness.
  record Cosigned(String log, String witness, long time, String note) {}

  record Inclusion(String leaf, long index, long size, String root, List<String> hashes) {}

  record Consistency(long oldSize, String oldRoot, long size, String root, List<String> hashes) {}

  /// A proof file about a leaf.
  record Proof(String key, String leaf, String text) {}

  /// A policy, and whether it finds enough witnesses under a note.
  record Judged(String text, String note, boolean quorum) {}

  record Path(int level, long index, int width, String text) {}
}
