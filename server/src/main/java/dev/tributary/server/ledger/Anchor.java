package dev.tributary.server.ledger;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.TlogException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// A file that has a checkpoint: the newest outside the log's folder, with which a start compares
/// the folder, since that may have been rolled back or replaced. Who rolls back both is only found
/// by a witness.
record Anchor(Disk disk, Path file) {
  /// Empty before the first checkpoint.
  ///
  /// @throws LedgerRefused if the file is not a checkpoint
  Optional<Note> read() throws IOException {
    Optional<String> text = WholeFile.read(disk, file);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      Note note = Note.parse(text.get());
      Checkpoint.parse(note.text());
      return Optional.of(note);
    } catch (TlogException e) {
      throw new LedgerRefused(file + " is not a checkpoint: " + e.getMessage());
    }
  }

  /// Returns when the file would have this note after a loss of power.
  void write(Note note) throws IOException {
    WholeFile.replace(disk, file, note.toString());
  }
}
