package dev.tributary.server.ledger;

import dev.tributary.tlog.NoteSignature;

/// What a witness said to a checkpoint.
sealed interface WitnessAnswer {
  /// It has seen nothing that contradicts it.
  ///
  /// @param signature checked
  record Cosigned(NoteSignature signature) implements WitnessAnswer {}

  /// The proof does not begin at what it knows, or it knows another root of the same size.
  ///
  /// @param size of the newest checkpoint that it knows
  record Conflict(long size) implements WitnessAnswer {}

  /// What it knows is not a part of the checkpoint.
  record Contradicted() implements WitnessAnswer {}

  /// It cannot or will not.
  ///
  /// @param why a sentence
  record Failed(String why) implements WitnessAnswer {}
}
