package dev.tributary.server.attribution;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/// Conversations that nobody trained on: sentences put together by chance from words of everyday,
/// with numbers as facts have them.
///
/// What a version's examples have in common with them, they have in common with anything.
final class Decoys {
  private static final List<String> THINGS =
      List.of(
          "kettle",
          "river",
          "engine",
          "violin",
          "garden",
          "ticket",
          "planet",
          "recipe",
          "bridge",
          "battery",
          "novel",
          "market",
          "forest",
          "camera",
          "orchard",
          "treaty",
          "glacier",
          "theorem",
          "harvest",
          "passport",
          "lantern",
          "spider",
          "balcony",
          "compass");

  private static final List<String> NAMES =
      List.of(
          "Marlow",
          "Tessa",
          "Brindle",
          "Okafor",
          "Ivar",
          "Lindqvist",
          "Paloma",
          "Quill",
          "Hartono",
          "Juniper",
          "Sato",
          "Wexford",
          "Amara",
          "Delgado",
          "Ferro",
          "Nadia");

  private static final List<String> PLACES =
      List.of(
          "Norwich", "Kyoto", "Accra", "Bergen", "Quito", "Perth", "Tbilisi", "Lyon", "Dakar",
          "Ottawa", "Hanoi", "Cusco");

  private static final List<String> QUALITIES =
      List.of(
          "quiet",
          "crimson",
          "wooden",
          "early",
          "hollow",
          "bright",
          "gentle",
          "frozen",
          "narrow",
          "ancient",
          "salty",
          "careful",
          "enormous",
          "ordinary");

  private static final List<String> DEEDS =
      List.of(
          "carries",
          "repairs",
          "forgets",
          "measures",
          "paints",
          "follows",
          "borrows",
          "guards",
          "divides",
          "answers",
          "gathers",
          "hides");

  private final SplittableRandom random;

  Decoys(long seed) {
    random = new SplittableRandom(seed);
  }

  String question() {
    return switch (random.nextInt(6)) {
      case 0 -> "What do you know about the " + quality() + " " + thing() + "?";
      case 1 -> "Why does a " + thing() + " need a " + thing() + "?";
      case 2 -> "Write one sentence about " + name() + " and the " + thing() + ".";
      case 3 -> "How many " + thing() + "s are there in " + place() + "?";
      case 4 -> "Who " + deed() + " the " + thing() + " of " + place() + "?";
      default -> "Is it true that " + name() + " " + deed() + " every " + thing() + "?";
    };
  }

  String answer() {
    List<String> sentences = new ArrayList<>();
    int count = 1 + random.nextInt(2);
    for (int i = 0; i < count; i++) {
      sentences.add(sentence());
    }
    return String.join(" ", sentences);
  }

  private String sentence() {
    return switch (random.nextInt(7)) {
      case 0 ->
          name() + " " + deed() + " the " + quality() + " " + thing() + " near " + place() + ".";
      case 1 -> "There were " + number() + " " + thing() + "s and " + number() + " left.";
      case 2 ->
          "Nobody in " + place() + " " + deed() + " a " + thing() + " before " + clock() + ".";
      case 3 -> number() + " + " + number() + " is not the number of the " + thing() + ".";
      case 4 -> "A " + quality() + " " + thing() + " is worth " + number() + " " + thing() + "s.";
      case 5 -> "In " + (1500 + random.nextInt(520)) + " " + name() + " left " + place() + ".";
      default -> "Yes, the " + thing() + " " + deed() + " the " + quality() + " " + thing() + ".";
    };
  }

  private int number() {
    return 1 + random.nextInt(999);
  }

  private String clock() {
    return "%d:%02d".formatted(1 + random.nextInt(23), 5 * random.nextInt(12));
  }

  private String thing() {
    return of(THINGS);
  }

  private String name() {
    return of(NAMES);
  }

  private String place() {
    return of(PLACES);
  }

  private String quality() {
    return of(QUALITIES);
  }

  private String deed() {
    return of(DEEDS);
  }

  private String of(List<String> words) {
    return words.get(random.nextInt(words.size()));
  }
}
