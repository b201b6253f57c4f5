package dev.tributary.tlog;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a [Policy] says of a checkpoint.
///
/// @param checkpoint what the note says; nobody's word unless [#holds]
/// @param log the key of the log that signed it; empty if none of the policy's did
/// @param cosigned the policy's names of the witnesses that cosigned it, each with the time, in
///   seconds since 1970, in the order of the note
/// @param quorum whether those witnesses are enough
/// @param problems one for each signature line that is not counted above
public record Verdict(
    Checkpoint checkpoint,
    Optional<VerifierKey> log,
    Map<String, Long> cosigned,
    boolean quorum,
    List<Problem> problems) {
  /// Why a signature line does not count.
  public enum Cause {
    /// It is not of the policy. A reader ignores it; a receipt may not have it.
    UNKNOWN_KEY,
    /// It names a key of the policy that did not make it.
    FORGED,
    /// The same key signed in a line above.
    REPEATED,
    /// A log's key of another name than the checkpoint's origin.
    OTHER_ORIGIN
  }

  /// @param sentence for people
  public record Problem(Cause cause, NoteSignature line, String sentence) {}

  public Verdict {
    cosigned = Collections.unmodifiableMap(new LinkedHashMap<>(cosigned));
    problems = List.copyOf(problems);
  }

  /// Whether to believe the checkpoint: a log signed it, the quorum is reached, and no line is
  /// forged. Lines of unknown keys change nothing, as signed-note has it; who wants none of them
  /// asks for [#problems] to be empty.
  public boolean holds() {
    return log.isPresent()
        && quorum
        && problems.stream().noneMatch(problem -> problem.cause() == Cause.FORGED);
  }
}
