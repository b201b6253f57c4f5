package dev.tributary.server.attribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.attribution.Repeats.Repeat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RepeatsTest {
  private static final Sketch ONE = Sketch.of(new byte[] {100, 0});
  private static final Sketch LIKE = Sketch.of(new byte[] {80, 60}); // a cosine of 0.8
  private static final Sketch OTHER = Sketch.of(new byte[] {0, 100});

  /// A question of one token and an answer of `length` from `answer` on.
  private static Sequence sequence(int question, int answer, int length) {
    return new Sequence(
        IntStream.concat(IntStream.of(question), IntStream.range(answer, answer + length))
            .toArray(),
        1);
  }

  private static Trained trained(Sequence... examples) {
    List<String> names = IntStream.range(0, examples.length).mapToObj(i -> "c" + i).toList();
    return new Trained(List.of(examples), names, IntStream.range(0, examples.length).toArray());
  }

  @Test
  void theSameAnswer_toALikeQuestion_joinsTheFirst() {
    Trained trained = trained(sequence(1, 50, 8), sequence(2, 50, 8), sequence(3, 50, 8));

    List<Repeat> repeats = Repeats.of(trained, List.of(ONE, LIKE, ONE));

    assertThat(repeats).containsExactly(new Repeat(1, 0), new Repeat(2, 0));
    assertThat(trained.joined(repeats).heads()).containsExactly(0, 0, 0);
  }

  @Test
  void theSameAnswer_toAnotherQuestion_standsForItself() {
    Trained trained = trained(sequence(1, 50, 8), sequence(2, 50, 8), sequence(3, 50, 8));

    assertThat(Repeats.of(trained, List.of(ONE, OTHER, OTHER))).containsExactly(new Repeat(2, 1));
  }

  @Test
  void shortOrOtherAnswers_areNobodys() {
    Trained trained =
        trained(sequence(1, 50, 7), sequence(2, 50, 7), sequence(1, 60, 8), sequence(2, 61, 8));

    assertThat(Repeats.of(trained, List.of(ONE, ONE, ONE, ONE))).isEmpty();
  }

  @Test
  void joined_takesThoseAlong_thatHadJoinedIt() {
    Trained trained =
        new Trained(
            List.of(sequence(1, 50, 8), sequence(2, 50, 8), sequence(2, 50, 8)),
            List.of("ann", "bob", "cy"),
            new int[] {0, 1, 1});

    List<Repeat> repeats = Repeats.of(trained, List.of(ONE, LIKE));

    assertThat(trained.joined(repeats).heads()).containsExactly(0, 0, 0);
  }
}
