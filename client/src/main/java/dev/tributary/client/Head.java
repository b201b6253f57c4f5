package dev.tributary.client;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.Verdict;
import dev.tributary.tlog.VerifierKey;
import java.util.Optional;

/// A checkpoint of a log as somebody sent it. It is nobody's word before [#require].
///
/// @param checkpoint what the note says
/// @param shown the key that a server shows as its log's, which only a first contact believes
public record Head(Note note, Checkpoint checkpoint, Optional<VerifierKey> shown) {
  /// @throws UnmetException if it is no checkpoint in canonical form
  public static Head parse(String note) {
    try {
      Note parsed = Note.parse(note);
      return new Head(parsed, Checkpoint.parse(parsed.text()), Optional.empty());
    } catch (TlogException e) {
      throw new UnmetException("not a checkpoint: " + e.getMessage());
    }
  }

  static Head of(dev.tributary.v1.Checkpoint message) {
    Head head = parse(message.getNote());
    if (message.getVerifierKey().isEmpty()) {
      return head;
    }
    try {
      VerifierKey key = VerifierKey.parse(message.getVerifierKey());
      return new Head(head.note, head.checkpoint, Optional.of(key));
    } catch (TlogException e) {
      throw new UnmetException("the server shows no log key: " + e.getMessage());
    }
  }

  public String origin() {
    return checkpoint.origin();
  }

  /// Leaves.
  public long size() {
    return checkpoint.size();
  }

  /// @throws UnmetException unless a log of the policy signed it and the quorum is reached
  public Verdict require(Policy policy) {
    Verdict verdict = policy.check(note);
    if (!verdict.holds()) {
      throw new UnmetException(
          "the checkpoint of %s at size %d %s"
              .formatted(origin(), size(), verdict.log().isEmpty() ? unsigned(verdict) : few()));
    }
    return verdict;
  }

  private static String unsigned(Verdict verdict) {
    return "is not signed by a trusted key"
        + verdict.problems().stream()
            .map(problem -> "; " + problem.sentence())
            .reduce("", String::concat);
  }

  private static String few() {
    return "is not cosigned by as many witnesses as the policy asks for";
  }
}
