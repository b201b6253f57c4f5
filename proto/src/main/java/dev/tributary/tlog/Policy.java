package dev.tributary.tlog;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Whom one trusts (C2SP tlog-policy): a checkpoint counts if one of the logs signed it and so many
/// of the witnesses cosigned it that the quorum is reached.
///
/// People write policies, so [#parse] takes comments and any spaces; [#text] has none. Texts are
/// UTF-8, which the specification only recommends.
///
/// @param logs whose name is the origin of their checkpoints
/// @param groups each after the groups that it names
/// @param quorum the name of a witness or a group, or [#NONE]
public record Policy(List<Log> logs, List<Witness> witnesses, List<Group> groups, String quorum) {
  /// The quorum that is always reached.
  public static final String NONE = "none";

  /// Most logs, most witnesses and most groups of a policy.
  public static final int MAX_EACH = 256;

  /// Most bytes of a policy's text.
  public static final int MAX_BYTES = 1 << 20;

  /// @param url where it is read, as the policy has it
  public record Log(VerifierKey key, Optional<String> url) {
    public Log {
      if (key.type() != VerifierKey.Type.NOTE) {
        throw new TlogException(
            "the key of log " + Canonical.quoted(key.name()) + " is a witness's");
      }
      url.ifPresent(Policy::word);
    }
  }

  /// @param name of this witness in the policy, which need not be its key's
  /// @param url where checkpoints are sent to, as the policy has it
  public record Witness(String name, VerifierKey key, Optional<String> url) {
    public Witness {
      word(name);
      if (key.type() != VerifierKey.Type.COSIGNATURE) {
        throw new TlogException(
            "the key of witness " + Canonical.quoted(name) + " is not one for cosignatures");
      }
      url.ifPresent(Policy::word);
    }
  }

  /// Counts as one that cosigned if at least `threshold` of its members do.
  ///
  /// @param members names of witnesses and of groups
  public record Group(String name, int threshold, List<String> members) {
    public Group {
      word(name);
      members = List.copyOf(members);
      if (threshold < 1 || threshold > members.size()) {
        throw new TlogException(
            "group "
                + Canonical.quoted(name)
                + " asks for "
                + threshold
                + " of "
                + members.size()
                + " members");
      }
    }
  }

  /// @throws TlogException for a name or a key that is there twice, a name that is not defined, a
  ///   name that is a member twice, and more than [#MAX_EACH] of anything
  public Policy {
    logs = List.copyOf(logs);
    witnesses = List.copyOf(witnesses);
    groups = List.copyOf(groups);
    for (List<?> each : List.of(logs, witnesses, groups)) {
      if (each.size() > MAX_EACH) {
        throw new TlogException("a policy has at most " + MAX_EACH + " logs, witnesses and groups");
      }
    }
    distinct("log", logs.stream().map(Log::key).toList());
    distinct("witness", witnesses.stream().map(Witness::key).toList());
    Set<String> defined = new HashSet<>(Set.of(NONE));
    for (Witness witness : witnesses) {
      define(witness.name(), defined);
    }
    Set<String> members = new HashSet<>(Set.of(NONE));
    for (Group group : groups) {
      for (String member : group.members()) {
        checkDefined(member, defined);
        if (!members.add(member)) {
          throw new TlogException(
              Canonical.quoted(member)
                  + " cannot be a member of group "
                  + Canonical.quoted(group.name()));
        }
      }
      define(group.name(), defined);
    }
    checkDefined(quorum, defined);
  }

  private static void distinct(String what, List<VerifierKey> keys) {
    Set<Hash> seen = new HashSet<>();
    for (VerifierKey key : keys) {
      if (!seen.add(Hash.sha256(key.key()))) {
        throw new TlogException(
            "the key of " + what + " " + Canonical.quoted(key.toString()) + " is there twice");
      }
    }
  }

  private static void define(String name, Set<String> defined) {
    if (!defined.add(name)) {
      throw new TlogException("the name " + Canonical.quoted(name) + " is taken");
    }
  }

  static void checkDefined(String name, Set<String> defined) {
    if (!defined.contains(name)) {
      throw new TlogException(Canonical.quoted(name) + " is not defined before it is used");
    }
  }

  /// A name or an address: what has no space in it and cannot begin a comment.
  private static void word(String word) {
    boolean printable = word.chars().allMatch(c -> c > ' ' && c != 0x7f);
    if (word.isEmpty() || !printable || word.charAt(0) == '#') {
      throw new TlogException(Canonical.quoted(word) + " is not one word");
    }
    Canonical.utf8("a policy", word);
  }

  /// One log, no witnesses: what a pinned key alone says.
  public static Policy of(VerifierKey log) {
    return new Policy(List.of(new Log(log, Optional.empty())), List.of(), List.of(), NONE);
  }

  /// @throws TlogException if it is no policy, saying in which line
  public static Policy parse(byte[] text) {
    if (text.length > MAX_BYTES) {
      throw new TlogException("a policy has at most " + MAX_BYTES + " bytes");
    }
    return PolicyParser.parse(Canonical.utf8("the policy", text));
  }

  /// @throws TlogException if it is no policy, saying in which line
  public static Policy parse(String text) {
    return parse(Canonical.utf8("the policy", text));
  }

  /// Whether this policy asks for any witness. Without one, a log that shows different trees to
  /// different people is not found out.
  public boolean asksForWitnesses() {
    return !quorum.equals(NONE);
  }

  /// @throws TlogException if the note's text is not a checkpoint's
  public Verdict check(Note note) {
    return new PolicyCheck(this, note).verdict();
  }

  /// Whether these witnesses reach the quorum.
  boolean reached(Set<String> cosigned) {
    Set<String> names = new HashSet<>(cosigned);
    names.add(NONE);
    for (Group group : groups) {
      if (group.members().stream().filter(names::contains).count() >= group.threshold()) {
        names.add(group.name());
      }
    }
    return names.contains(quorum);
  }

  /// The policy as it is written, one line each: logs, witnesses, groups, the quorum.
  public String text() {
    List<String> lines = new ArrayList<>();
    logs.forEach(l -> lines.add("log " + l.key() + url(l.url())));
    witnesses.forEach(w -> lines.add("witness " + w.name() + " " + w.key() + url(w.url())));
    groups.forEach(
        g ->
            lines.add(
                "group " + g.name() + " " + g.threshold() + " " + String.join(" ", g.members())));
    lines.add("quorum " + quorum);
    return String.join("\n", lines) + "\n";
  }

  private static String url(Optional<String> url) {
    return url.map(u -> " " + u).orElse("");
  }

  /// [#text] in UTF-8.
  public byte[] bytes() {
    return text().getBytes(StandardCharsets.UTF_8);
  }
}
