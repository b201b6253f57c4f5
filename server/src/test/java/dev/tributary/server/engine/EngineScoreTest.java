package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.schedule.Priority;
import dev.tributary.server.schedule.Request;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Scores, probes and echoed prompts: what is read of given tokens.
class EngineScoreTest {
  private final EngineFixture fixture = new EngineFixture();
  private final Engine engine = fixture.engine;

  @Test
  void score_ofAnAnswerEqualsItsOwnLogprobs() {
    int[] prompt = random(21, 1);
    Recorder answer = fixture.submit(JobBuilder.prompt(prompt).greedy(30).logprobs(3).build());
    fixture.runAll();
    int[] tokens =
        IntStream.concat(IntStream.of(prompt), answer.tokens().stream().mapToInt(Integer::intValue))
            .toArray();
    CompletableFuture<ScoreJob.Scores> scored = engine.score(score(tokens, 21, 3));
    fixture.runAll();

    ScoreJob.Scores scores = scored.join();
    assertThat(scores.tokens()).isEqualTo(answer.logprobs());
    assertThat(scores.greedy()).isTrue();
    assertThat(scores.sum())
        .isEqualTo(answer.logprobs().stream().mapToDouble(TokenLogprob::logprob).sum());
    assertThat(engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);
  }

  @Test
  void score_ofAnUnlikelyTokenIsNotGreedy() {
    fixture.says(5, 6);
    CompletableFuture<ScoreJob.Scores> scored = engine.score(score(new int[] {9, 5, 7}, 1, 1));
    fixture.runAll();

    ScoreJob.Scores scores = scored.join();
    assertThat(scores.greedy()).isFalse();
    assertThat(scores.tokens()).extracting(TokenLogprob::id).containsExactly(5, 7);
    assertThat(scores.tokens().get(1).top().getFirst().id()).isEqualTo(6);
    assertThat(scores.tokens().get(0).logprob()).isGreaterThan(-0.1f);
  }

  @Test
  void score_asksForNoLogitsThatAreNotNeeded() {
    var unused = engine.score(score(random(40, 2), 36, 0));
    fixture.runAll();

    assertThat(fixture.model.steps.stream().mapToInt(spans -> spans.getFirst().logitRows()))
        .containsExactly(0, 4);
  }

  @Test
  void score_needsATokenBeforeAndOneToScore() {
    assertThatThrownBy(() -> score(new int[] {1, 2}, 0, 0))
        .isInstanceOf(Rejection.InvalidField.class);
    assertThatThrownBy(() -> score(new int[] {1, 2}, 2, 0))
        .isInstanceOf(Rejection.InvalidField.class);
    assertThatThrownBy(() -> score(new int[] {1, 2}, 1, 21))
        .isInstanceOf(Rejection.InvalidField.class)
        .hasMessageContaining("top_n");
  }

  @Test
  void score_cancelledFreesItsRow() {
    CompletableFuture<ScoreJob.Scores> scored = engine.score(score(random(100, 3), 1, 0));
    engine.turn();
    scored.cancel(true);
    engine.turn();

    assertThat(engine.stats().running()).isZero();
    assertThat(engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);
  }

  @Test
  void score_thatFailsSaysWhy() {
    fixture.model.failures.add(new IllegalStateException("bug"));
    CompletableFuture<ScoreJob.Scores> scored = engine.score(score(random(5, 3), 1, 0));
    engine.turn();

    assertThatThrownBy(scored::join)
        .cause()
        .isInstanceOfSatisfying(
            JobFailedException.class,
            e -> assertThat(e.failure()).isInstanceOf(Failure.Internal.class));
  }

  @Test
  void probe_isTheLogitsAfterThePromptUnderEachListOfAdaptersInOneStep() {
    EngineFixture wide = new EngineFixture(48, 8, 160);
    var adapter = EngineFixture.adapter(7, 0.5f);
    int[] prompt = random(37, 4);
    var neighbour = wide.submit(JobBuilder.prompt(prompt).greedy(1).build());
    CompletableFuture<List<float[]>> probed =
        wide.engine.probe(
            prompt, List.of(List.of(), List.of(adapter), List.of()), ComputePath.NARROW);
    Recorder answer =
        wide.submit(JobBuilder.prompt(prompt).adapters(List.of(adapter)).greedy(1).build());
    wide.engine.turn();

    List<float[]> logits = probed.join();
    assertThat(logits).hasSize(3);
    assertThat(logits.get(0)).hasSize(HashModel.VOCABULARY).isEqualTo(logits.get(2));
    assertThat(logits.get(0)).isNotEqualTo(logits.get(1));
    wide.runAll();
    assertThat(neighbour.tokens()).containsExactly(largest(logits.get(0)));
    assertThat(answer.tokens()).containsExactly(largest(logits.get(1)));
    assertThat(wide.engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);
  }

  @Test
  void probe_mustFitAChunk() {
    assertThatThrownBy(
            () -> engine.probe(random(9, 4), List.of(List.of(), List.of()), ComputePath.NARROW))
        .isInstanceOf(Rejection.PromptTooLong.class);
  }

  @Test
  void echo_repeatsThePromptWithItsLogprobsBeforeTheAnswer() {
    int[] prompt = random(35, 5);
    Recorder plain = fixture.submit(JobBuilder.prompt(prompt).greedy(4).logprobs(2).build());
    Recorder echoed =
        fixture.submit(JobBuilder.prompt(prompt).greedy(4).logprobs(2).echo().build());
    Recorder withoutLogprobs = fixture.submit(JobBuilder.prompt(prompt).greedy(4).echo().build());
    CompletableFuture<ScoreJob.Scores> scored = engine.score(score(prompt, 1, 2));
    fixture.runAll();

    List<Integer> tokens = echoed.tokens();
    assertThat(tokens.subList(0, 35)).isEqualTo(Arrays.stream(prompt).boxed().toList());
    assertThat(tokens.subList(35, tokens.size())).isEqualTo(plain.tokens());
    assertThat(withoutLogprobs.tokens()).isEqualTo(tokens);
    assertThat(withoutLogprobs.logprobs()).isEmpty();
    assertThat(withoutLogprobs.text()).isEqualTo(echoed.text()).endsWith(plain.text());
    List<TokenLogprob> logprobs = echoed.logprobs();
    assertThat(logprobs).hasSameSizeAs(tokens);
    assertThat(logprobs.getFirst().logprob()).isNaN();
    assertThat(logprobs.subList(1, 35)).isEqualTo(scored.join().tokens());
    assertThat(logprobs.subList(35, logprobs.size())).isEqualTo(plain.logprobs());
    assertThat(echoed.finished().usage()).isEqualTo(plain.finished().usage());
  }

  private static ScoreJob score(int[] tokens, int from, int topN) {
    return new ScoreJob(
        "score",
        "public",
        Request.DEFAULT_WEIGHT,
        tokens,
        from,
        List.of(),
        topN,
        OptionalLong.empty(),
        Priority.NORMAL,
        false);
  }

  private static int[] random(int length, long seed) {
    // Letters only, so that text of prompt and answer don't run into one another.
    return new Random(seed).ints(length, 4, HashModel.VOCABULARY).toArray();
  }

  private static int largest(float[] logits) {
    Sampler sampler = new Sampler(logits.length);
    sampler.read(Matrix.of(DType.F32, 1, logits.length, logits));
    return sampler.best();
  }
}
