package dev.tributary.tlog;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One look at one note: every signature line is the log's, a witness's, or a problem.
final class PolicyCheck {
  private final Policy policy;
  private final Checkpoint checkpoint;
  private final List<NoteSignature> signatures;
  private final byte[] text;

  private final Map<String, Long> cosigned = new LinkedHashMap<>();
  private final List<Verdict.Problem> problems = new ArrayList<>();
  private final Set<VerifierKey> seen = new HashSet<>();
  private @Nullable VerifierKey log;

  PolicyCheck(Policy policy, Note note) {
    this.policy = policy;
    this.checkpoint = Checkpoint.parse(note.text());
    this.signatures = note.signatures();
    this.text = note.text().getBytes(StandardCharsets.UTF_8);
  }

  Verdict verdict() {
    signatures.forEach(this::line);
    return new Verdict(
        checkpoint,
        Optional.ofNullable(log),
        cosigned,
        policy.reached(cosigned.keySet()),
        problems);
  }

  private void line(NoteSignature line) {
    for (Policy.Log known : policy.logs()) {
      if (known.key().claimedBy(line)) {
        logLine(known.key(), line);
        return;
      }
    }
    for (Policy.Witness known : policy.witnesses()) {
      if (known.key().claimedBy(line)) {
        if (isTheirs(known.key(), line)) {
          cosigned.put(known.name(), Cosignature.of(line).orElseThrow().time());
        }
        return;
      }
    }
    problem(Verdict.Cause.UNKNOWN_KEY, line, "is of a key that the policy does not have");
  }

  private void logLine(VerifierKey key, NoteSignature line) {
    if (!isTheirs(key, line)) {
      return;
    }
    if (!key.name().equals(checkpoint.origin())) {
      problem(
          Verdict.Cause.OTHER_ORIGIN,
          line,
          "is under a checkpoint of " + Canonical.quoted(checkpoint.origin()));
    } else if (log == null) {
      log = key;
    }
  }

  /// Whether the key made the line, and no line before it.
  private boolean isTheirs(VerifierKey key, NoteSignature line) {
    if (!key.verifies(text, line)) {
      problem(Verdict.Cause.FORGED, line, "does not verify");
      return false;
    }
    if (!seen.add(key)) {
      problem(Verdict.Cause.REPEATED, line, "is the second of its key");
      return false;
    }
    return true;
  }

  private void problem(Verdict.Cause cause, NoteSignature line, String what) {
    String sentence =
        "the signature line of "
            + Canonical.quoted(line.name())
            + " with id "
            + VerifierKey.hex(line.id())
            + " "
            + what;
    problems.add(new Verdict.Problem(cause, line, sentence));
  }
}
