package dev.tributary.server.bench;

import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.bench.AttributionCase.Question;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.train.ExampleTokens;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Asks questions with a contributor's own text in them, to be repeated.
///
/// @param texts of the questions, in their order
record GamingPaste(
    AttributionCase.Asking asking,
    List<AdapterUse> adapter,
    ExampleTokens encoder,
    List<GamingText> texts) {
  /// Tokens that an answer has at least to be pasted: shorter runs are no echo.
  private static final int LEAST = 8;

  /// Asks each of `questions`, numbers of [#texts], with one of the contributor's own answers.
  List<Question> ask(List<Question> of, int[] questions, List<GamingText> own) {
    List<String> pasted =
        own.stream()
            .filter(each -> each.sequence(encoder).targets() > LEAST)
            .map(GamingText::answer)
            .toList();
    if (pasted.isEmpty()) {
      throw new IllegalArgumentException("no answer of the attacker is long enough to be pasted");
    }
    return IntStream.range(0, questions.length)
        .mapToObj(
            i ->
                ask(
                    of.get(questions[i]),
                    texts.get(questions[i]).question(),
                    pasted.get(i % pasted.size())))
        .toList();
  }

  private Question ask(Question question, String text, String pasted) {
    Sequence own =
        new GamingText("", text + " Begin your answer with these words: " + pasted, pasted)
            .sequence(encoder);
    return asking.ask(
        Arrays.copyOf(own.tokens(), own.targetsFrom()),
        question.expected(),
        question.contributor(),
        adapter);
  }
}
