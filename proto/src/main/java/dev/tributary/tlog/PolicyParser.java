package dev.tributary.tlog;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Reads a policy line by line. A group and the quorum name only what stands above them.
final class PolicyParser {
  private final List<Policy.Log> logs = new ArrayList<>();
  private final List<Policy.Witness> witnesses = new ArrayList<>();
  private final List<Policy.Group> groups = new ArrayList<>();
  private final Set<String> defined = new HashSet<>(Set.of(Policy.NONE));
  private @Nullable String quorum;

  private PolicyParser() {}

  static Policy parse(String text) {
    PolicyParser parser = new PolicyParser();
    int number = 0;
    for (String line : text.split("\n", -1)) {
      number++;
      try {
        parser.line(line);
      } catch (TlogException e) {
        throw new TlogException("line " + number + " of the policy: " + e.getMessage(), e);
      }
    }
    if (parser.quorum == null) {
      throw new TlogException("the policy has no quorum line");
    }
    return new Policy(parser.logs, parser.witnesses, parser.groups, parser.quorum);
  }

  private void line(String line) {
    if (line.chars().anyMatch(c -> c == 0x7f || (c < ' ' && c != '\t'))) {
      throw new TlogException("a control character");
    }
    List<String> words =
        Arrays.stream(line.split("[ \t]+")).filter(word -> !word.isEmpty()).toList();
    if (words.isEmpty() || words.getFirst().startsWith("#")) {
      return;
    }
    switch (words.getFirst()) {
      case "log" -> {
        checkWords(words, 2, 3);
        logs.add(new Policy.Log(VerifierKey.parse(words.get(1)), word(words, 2)));
      }
      case "witness" -> {
        checkWords(words, 3, 4);
        VerifierKey key = VerifierKey.parse(words.get(2));
        witnesses.add(new Policy.Witness(words.get(1), key, word(words, 3)));
        defined.add(words.get(1));
      }
      case "group" -> {
        checkWords(words, 4, 3 + 2 * Policy.MAX_EACH);
        List<String> members = words.subList(3, words.size());
        members.forEach(member -> Policy.checkDefined(member, defined));
        groups.add(new Policy.Group(words.get(1), threshold(words.get(2), members), members));
        defined.add(words.get(1));
      }
      case "quorum" -> {
        checkWords(words, 2, 2);
        if (quorum != null) {
          throw new TlogException("a second quorum");
        }
        Policy.checkDefined(words.get(1), defined);
        quorum = words.get(1);
      }
      default ->
          throw new TlogException(
              Canonical.quoted(words.getFirst()) + " is not log, witness, group or quorum");
    }
  }

  private static int threshold(String word, List<String> members) {
    return switch (word) {
      case "any" -> 1;
      case "all" -> members.size();
      default -> (int) Math.min(Integer.MAX_VALUE, Canonical.decimal("the threshold", word));
    };
  }

  private static Optional<String> word(List<String> words, int at) {
    return at < words.size() ? Optional.of(words.get(at)) : Optional.empty();
  }

  private static void checkWords(List<String> words, int least, int most) {
    if (words.size() < least || words.size() > most) {
      throw new TlogException(
          "a " + words.getFirst() + " line has " + (words.size() - 1) + " words after its first");
    }
  }
}
