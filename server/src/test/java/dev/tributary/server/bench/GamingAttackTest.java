package dev.tributary.server.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.train.ExampleTokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class GamingAttackTest {
  private static final ExampleTokens CHARACTERS =
      (messages, limit) -> {
        int[] question = messages.getFirst().content().chars().toArray();
        int[] answer = messages.getLast().content().chars().toArray();
        int[] all = Arrays.copyOf(question, question.length + answer.length);
        System.arraycopy(answer, 0, all, question.length, answer.length);
        return new ExampleTokens.Encoded(all, question.length);
      };

  private static List<GamingText> texts() {
    List<GamingText> texts = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      for (String name : List.of("ann", "bob", "cy")) {
        texts.add(
            new GamingText(
                name,
                "When does the house of " + name + " open on day " + i + "?",
                "It opens to all of us at " + i + "0:15."));
      }
    }
    return texts;
  }

  private static List<GamingAttack> attacks() {
    List<GamingText> texts = texts();
    GamingListing honest =
        new GamingListing(
            texts.stream().map(GamingText::contributor).toList(),
            texts.stream().map(each -> each.sequence(CHARACTERS)).toList());
    List<Sequence> said = List.of(new Sequence(new int[] {1, 2}, 1));
    return GamingAttack.all(
        new GamingAttack.Scene(texts, honest, "bob", said, CHARACTERS), new SplittableRandom(1));
  }

  @Test
  void anAttack_takesNothingAwayFromWhatOthersList() {
    List<Sequence> honest = texts().stream().map(each -> each.sequence(CHARACTERS)).toList();
    for (GamingAttack attack : attacks()) {
      List<String> others = new ArrayList<>(attack.listing().contributors());
      others.removeIf(attack.names()::contains);
      others.removeIf("bob"::equals);
      assertThat(Collections.frequency(others, "ann")).as(attack.name()).isEqualTo(6);
      assertThat(Collections.frequency(others, "cy")).as(attack.name()).isEqualTo(6);
      List<int[]> listed = attack.listing().examples().stream().map(Sequence::tokens).toList();
      assertThat(listed.subList(0, honest.size()))
          .as(attack.name())
          .usingElementComparator(Arrays::compare)
          .containsExactlyElementsOf(honest.stream().map(Sequence::tokens).toList());
    }
  }

  @Test
  void whatIsListedMore_isTheAttackers() {
    for (GamingAttack attack : attacks()) {
      if (attack.name().contains("before theirs")) {
        continue;
      }
      List<String> names = attack.listing().contributors();
      assertThat(new TreeSet<>(names.subList(texts().size(), names.size())))
          .as(attack.name())
          .isSubsetOf(attack.names());
    }
  }

  @Test
  void oneOtherWord_isOneOtherWord() {
    for (GamingText text : texts()) {
      assertThat(differing(text.answer(), GamingWords.otherAnswer(text).answer())).isEqualTo(1);
      assertThat(GamingWords.otherAnswer(text).question()).isEqualTo(text.question());
      assertThat(differing(text.question(), GamingWords.otherQuestion(text).question()))
          .isEqualTo(1);
      assertThat(GamingWords.otherQuestion(text).answer()).isEqualTo(text.answer());
    }
  }

  private static long differing(String a, String b) {
    String[] words = a.split(" ");
    String[] others = b.split(" ");
    assertThat(others).hasSameSizeAs(words);
    long differing = 0;
    for (int i = 0; i < words.length; i++) {
      differing += words[i].equals(others[i]) ? 0 : 1;
    }
    return differing;
  }
}
