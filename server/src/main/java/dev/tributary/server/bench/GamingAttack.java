package dev.tributary.server.bench;

import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.train.ExampleTokens;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/// One attempt to be credited with more, by what is listed: the adapter stays as it is.
///
/// @param before the attacker's names without the attack; none for whoever comes for it
/// @param names the attacker's with it
record GamingAttack(String name, Set<String> before, Set<String> names, GamingListing listing) {
  private static final int COPIES = 4;
  private static final int SYBILS = 4;
  private static final int STUFFED = 200;
  private static final int REWRITTEN = 120;
  private static final int BRIDGES = 40;
  private static final int OUTLIERS = 50;
  private static final int INVENTED_PLACES = 10;

  /// Who lists what.
  ///
  /// @param honest what the adapter was trained on
  /// @param said what the adapter answered to questions that are not attributed here
  record Scene(
      List<GamingText> honest,
      GamingListing listing,
      String attacker,
      List<Sequence> said,
      ExampleTokens encoder) {
    List<GamingText> own() {
      return honest.stream().filter(each -> each.contributor().equals(attacker)).toList();
    }

    private List<GamingText> others() {
      return honest.stream().filter(each -> !each.contributor().equals(attacker)).toList();
    }

    private GamingAttack listing(String name, List<GamingText> more) {
      Set<String> names = new TreeSet<>(Set.of(attacker));
      more.forEach(each -> names.add(each.contributor()));
      return new GamingAttack(
          name,
          Set.of(attacker),
          names,
          listing.with(
              more.stream().map(GamingText::contributor).toList(),
              more.stream().map(each -> each.sequence(encoder)).toList()));
    }

    /// What the attacker makes of each of `from`.
    private List<GamingText> made(List<GamingText> from, UnaryOperator<GamingText> rewrite) {
      return from.stream().map(rewrite).map(each -> each.by(attacker)).toList();
    }
  }

  static List<GamingAttack> all(Scene scene, RandomGenerator random) {
    List<GamingText> own = scene.own();
    List<GamingText> others = scene.others();
    List<GamingText> some = some(others, REWRITTEN, random);
    GamingWords words = new GamingWords(random);
    List<GamingText> duplicates =
        IntStream.range(0, COPIES).boxed().flatMap(copy -> own.stream()).toList();
    List<GamingText> paraphrases = new ArrayList<>(scene.made(own, GamingWords::asked));
    paraphrases.addAll(scene.made(own, GamingWords::hedged));
    return List.of(
        scene.listing("own examples five times", duplicates),
        scene.listing("own examples paraphrased twice", paraphrases),
        sybils(scene),
        scene.listing("others' examples", scene.made(others, each -> each)),
        first(scene),
        scene.listing(
            "others', one word of the question changed",
            scene.made(some, GamingWords::otherQuestion)),
        scene.listing(
            "others', one word of the answer changed", scene.made(some, GamingWords::otherAnswer)),
        scene.listing("others' paraphrased", scene.made(some, GamingWords::asked)),
        scene.listing("two others' in one", bridges(scene, others)),
        scene.listing(
            "invented facts, 200", invented(scene, others, words, STUFFED, scene.attacker)),
        scene.listing(
            "wrong facts of others' subjects, 120",
            scene.made(
                some(
                    others.stream().filter(each -> GamingWords.hasNumber(each.answer())).toList(),
                    REWRITTEN,
                    random),
                words::otherNumbers)),
        scene.listing(
            "random words, 120",
            IntStream.range(0, REWRITTEN)
                .mapToObj(i -> new GamingText(scene.attacker, words.random(12), words.random(12)))
                .toList()),
        scene.listing(
            "rare characters, 50",
            IntStream.range(0, OUTLIERS)
                .mapToObj(i -> new GamingText(scene.attacker, words.random(8), words.rare(16)))
                .toList()),
        new GamingAttack(
            "what the adapter answered to others",
            Set.of(scene.attacker),
            Set.of(scene.attacker),
            scene.listing.with(Collections.nCopies(scene.said.size(), scene.attacker), scene.said)),
        decoy(scene, invented(scene, others, words, own.size(), "a-decoy")));
  }

  /// A contributor of whom nothing was trained on; the attacker is nobody else.
  private static GamingAttack decoy(Scene scene, List<GamingText> listed) {
    return new GamingAttack(
        "a contributor of nothing that was trained on",
        Set.of(),
        Set.of("a-decoy"),
        scene.listing("", listed).listing);
  }

  private static GamingAttack sybils(Scene scene) {
    Set<String> names = new TreeSet<>();
    List<String> contributors = new ArrayList<>(scene.listing.contributors());
    int count = 0;
    for (int i = 0; i < contributors.size(); i++) {
      if (contributors.get(i).equals(scene.attacker)) {
        contributors.set(i, scene.attacker + "-" + count++ % SYBILS);
        names.add(contributors.get(i));
      }
    }
    return new GamingAttack(
        "own examples under four names",
        Set.of(scene.attacker),
        names,
        new GamingListing(contributors, scene.listing.examples()));
  }

  /// Whoever commits a text first is credited with it.
  private static GamingAttack first(Scene scene) {
    List<String> stolen = Collections.nCopies(scene.listing.examples().size(), scene.attacker);
    return new GamingAttack(
        "others' examples, committed before theirs",
        Set.of(scene.attacker),
        Set.of(scene.attacker),
        new GamingListing(stolen, scene.listing.examples())
            .with(scene.listing.contributors(), scene.listing.examples()));
  }

  private static List<GamingText> bridges(Scene scene, List<GamingText> others) {
    return IntStream.range(0, Math.min(BRIDGES, others.size() / 2))
        .mapToObj(
            i -> {
              GamingText a = others.get(2 * i);
              GamingText b = others.get(2 * i + 1);
              return new GamingText(
                  scene.attacker, a.question() + " " + b.question(), a.answer() + " " + b.answer());
            })
        .toList();
  }

  private static List<GamingText> invented(
      Scene scene, List<GamingText> like, GamingWords words, int count, String by) {
    List<UnaryOperator<GamingText>> places =
        IntStream.range(0, INVENTED_PLACES).mapToObj(i -> words.otherNames()).toList();
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                words
                    .otherNumbers(
                        places.get(i % INVENTED_PLACES).apply(like.get(i * 7 % like.size())))
                    .by(by))
        .toList();
  }

  private static List<GamingText> some(List<GamingText> of, int count, RandomGenerator random) {
    List<GamingText> some = new ArrayList<>(of);
    Collections.shuffle(some, random);
    return some.subList(0, Math.min(count, some.size()));
  }
}
