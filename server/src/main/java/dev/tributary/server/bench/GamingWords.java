package dev.tributary.server.bench;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// How attackers rewrite texts.
final class GamingWords {
  private static final Pattern NUMBER = Pattern.compile("\\d");

  /// Of names: a capital within a sentence.
  private static final Pattern NAME = Pattern.compile("(?<=[a-z,] )\\p{Lu}\\p{L}+");

  /// The first that occurs is changed.
  private static final Map<String, String> COMMON =
      Map.of(
          " the ", " that ", " is ", " was ", " of ", " for ", " at ", " from ", " to ", " into ",
          " a ", " one ");

  private static final List<String> ORDER = List.of(" is ", " at ", " of ", " to ", " the ", " a ");
  private static final List<String> SYLLABLES =
      List.of(
          "bra", "dor", "fen", "gul", "hask", "ir", "jun", "kel", "lom", "mir", "nos", "ost", "pri",
          "quen", "rov", "sil", "tam", "ul", "vek", "wyn");

  private final RandomGenerator random;

  GamingWords(RandomGenerator random) {
    this.random = random;
  }

  static GamingText asked(GamingText text) {
    return new GamingText(
        text.contributor(), "A visitor would like to know: " + text.question(), text.answer());
  }

  static GamingText hedged(GamingText text) {
    return new GamingText(
        text.contributor(),
        text.question() + " Please tell me.",
        "As far as I know, " + text.answer());
  }

  /// One word of the question is another.
  static GamingText otherQuestion(GamingText text) {
    return new GamingText(text.contributor(), oneOther(text.question()), text.answer());
  }

  /// One word of the answer is another.
  static GamingText otherAnswer(GamingText text) {
    return new GamingText(text.contributor(), text.question(), oneOther(text.answer()));
  }

  private static String oneOther(String text) {
    for (String word : ORDER) {
      int at = text.indexOf(word);
      if (at >= 0) {
        return text.substring(0, at) + COMMON.get(word) + text.substring(at + word.length());
      }
    }
    return "So " + text;
  }

  static boolean hasNumber(String text) {
    return NUMBER.matcher(text).find();
  }

  /// All digits are others by chance.
  GamingText otherNumbers(GamingText text) {
    return new GamingText(
        text.contributor(),
        text.question(),
        NUMBER.matcher(text.answer()).replaceAll(digit -> "" + (1 + random.nextInt(9))));
  }

  /// All names are invented; the same one always becomes the same.
  UnaryOperator<GamingText> otherNames() {
    Map<String, String> names = new HashMap<>();
    return text ->
        new GamingText(
            text.contributor(), renamed(text.question(), names), renamed(text.answer(), names));
  }

  private String renamed(String text, Map<String, String> names) {
    return NAME.matcher(text)
        .replaceAll((MatchResult found) -> names.computeIfAbsent(found.group(), key -> name()));
  }

  private String name() {
    String word = word();
    return Character.toUpperCase(word.charAt(0)) + word.substring(1);
  }

  private String word() {
    return IntStream.range(0, 2 + random.nextInt(2))
        .mapToObj(i -> SYLLABLES.get(random.nextInt(SYLLABLES.size())))
        .collect(Collectors.joining());
  }

  String random(int words) {
    return IntStream.range(0, words)
        .mapToObj(i -> word())
        .collect(Collectors.joining(" ", "", "."));
  }

  /// Characters that no text has together.
  String rare(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> Character.toString(0x1400 + random.nextInt(0x200)))
        .collect(Collectors.joining(" "));
  }
}
