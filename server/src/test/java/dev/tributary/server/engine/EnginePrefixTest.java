package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.Priority;
import dev.tributary.server.schedule.Request;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The same prompt under adapters at several scales and in both orders, before and after the prefix
/// cache has it.
class EnginePrefixTest {
  private static final int[] PROMPT = new Random(3).ints(75, 4, HashModel.VOCABULARY).toArray();

  /// All answers go through one engine, whose wide path begins at 12 rows.
  private final EngineFixture warm = new EngineFixture(4, 100, 16, EngineFixture.PAGES, 12);

  private static List<List<AdapterUse>> uses() {
    List<List<AdapterUse>> uses = new ArrayList<>();
    uses.add(List.of());
    for (float scale : new float[] {1, 0.5f, 0, -0f}) {
      AdapterUse red = EngineFixture.adapter(1, scale);
      AdapterUse blue = EngineFixture.adapter(2, 1);
      uses.add(List.of(red));
      uses.add(List.of(red, blue));
      uses.add(List.of(blue, red));
    }
    return uses;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void answers_areTheSameColdAndWarm(boolean repeatable) {
    Set<List<Integer>> distinct = new HashSet<>();
    for (List<AdapterUse> adapters : uses()) {
      JobBuilder builder = JobBuilder.prompt(PROMPT).greedy(20).logprobs(5).adapters(adapters);
      Job job = repeatable ? builder.repeatable().build() : builder.build();
      Recorder cold = run(warm, job);
      Recorder again = run(warm, job);

      assertThat(cold.finished().usage().cachedTokens()).isZero();
      assertThat(again.finished().usage().cachedTokens()).isEqualTo(64);
      assertThat(Objects.requireNonNull(again.started).cachedTokens()).isEqualTo(64);
      Recorder replayed = run(fresh(), Company.replay(job, again));
      Company.assertSame(again, replayed);
      if (repeatable) {
        Company.assertSame(again, cold);
        assertThat(again.finished().paths()).isEqualTo(cold.finished().paths());
      }
      distinct.add(cold.tokens());
    }
    assertThat(distinct).hasSize(uses().size());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aConversation_findsItsOwnBeginning(boolean repeatable) {
    JobBuilder first = JobBuilder.prompt(PROMPT).greedy(30).logprobs(0);
    Recorder answer = run(warm, repeatable ? first.repeatable().build() : first.build());
    int[] longer = new int[PROMPT.length + answer.tokens().size() + 5];
    System.arraycopy(PROMPT, 0, longer, 0, PROMPT.length);
    for (int i = 0; i < answer.tokens().size(); i++) {
      longer[PROMPT.length + i] = answer.tokens().get(i);
    }
    JobBuilder second = JobBuilder.prompt(longer).greedy(10).logprobs(0);
    Job job = repeatable ? second.repeatable().build() : second.build();
    Recorder next = run(warm, job);

    // What was generated took the narrow path, which a repeatable prompt does not.
    int computed = PROMPT.length + answer.tokens().size() - 1;
    assertThat(next.finished().usage().cachedTokens())
        .isEqualTo(repeatable ? 64 : computed / 16 * 16);
    Company.assertSame(next, run(fresh(), Company.replay(job, next)));
    if (repeatable) {
      Company.assertSame(next, run(fresh(), job));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 20, 60, 74})
  void scores_areTheSameColdAndWarm(int from) {
    ScoreJob job =
        new ScoreJob(
            "score",
            "public",
            Request.DEFAULT_WEIGHT,
            PROMPT,
            from,
            List.of(),
            2,
            OptionalLong.empty(),
            Priority.NORMAL,
            true);
    var cold = warm.engine.score(job);
    warm.runAll();
    long computed = warm.engine.stats().promptTokens();
    var again = warm.engine.score(job);
    warm.runAll();

    assertThat(again.join()).isEqualTo(cold.join());
    assertThat(warm.engine.stats().promptTokens() - computed)
        .isEqualTo(PROMPT.length - 1 - (from - 1) / 16 * 16);
  }

  private static EngineFixture fresh() {
    return new EngineFixture(1, 1, 16, EngineFixture.PAGES, 12);
  }

  private static Recorder run(EngineFixture fixture, Job job) {
    Recorder answer = fixture.submit(job);
    fixture.runAll();
    return answer;
  }
}
