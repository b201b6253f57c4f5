package dev.tributary.server.ledger;

import java.util.List;

/// What [Fsck] found.
///
/// @param leaves that can be read, from the first on without a gap
/// @param checkpoints that were compared with the leaves
/// @param problems broken promises, a sentence each; only the first 100
/// @param found how many problems there are
/// @param notes what a start puts in order without losing anything
public record FsckReport(
    long leaves, long checkpoints, List<String> problems, long found, List<String> notes) {
  public FsckReport {
    problems = List.copyOf(problems);
    notes = List.copyOf(notes);
  }

  public boolean sound() {
    return found == 0;
  }
}
