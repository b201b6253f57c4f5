package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.PathRun;
import dev.tributary.server.schedule.Priority;
import dev.tributary.server.schedule.Request;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// With what probability tokens were drawn, and would have been with other adapters.
class EngineLikelihoodTest {
  private static final AdapterUse RED = EngineFixture.adapter(7, 0.5f);
  private static final AdapterUse BLUE = EngineFixture.adapter(8, 1);

  /// Greedy, sampled, cut off in each way, with penalties.
  private static final List<Sampling> SAMPLINGS =
      List.of(
          Sampling.greedy(20),
          sampling(0, 0, 1, 0, 1.3f, 0.5f, 0.2f),
          sampling(0.8f, 0, 1, 0, 1, 0, 0),
          sampling(1.2f, 0, 1, 0, 1.1f, 0.3f, 0.4f),
          sampling(0.7f, 20, 1, 0, 1, 0, 0),
          sampling(1, 0, 0.9f, 0, 1, 0, 0),
          sampling(1.5f, 40, 0.95f, 0.05f, 1.2f, 0.1f, 0.1f));

  private final EngineFixture fixture = new EngineFixture();
  private final Engine engine = fixture.engine;

  @Test
  void likelihoods_withTheSameAdaptersAreWhatTheGenerationTold() {
    for (Sampling sampling : SAMPLINGS) {
      Job job = job(List.of(RED, BLUE), sampling);
      Recorder answer = fixture.submit(job);
      fixture.runAll();
      float[] drawn = answer.finished().drawn();

      assertThat(drawn).hasSameSizeAs(answer.tokens().toArray());
      assertThat(asked(job, answer, job.adapters())).isEqualTo(drawn);
      for (float probability : drawn) {
        assertThat(probability).isPositive().isLessThanOrEqualTo(1);
      }
      if (sampling.temperature() == 0) {
        assertThat(drawn).containsOnly(1);
      }
    }
    assertThat(engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);
  }

  /// Against the softmax over the logits that follow each beginning of the answer.
  @Test
  void likelihoods_withOtherAdaptersAreThoseOfTheReference() {
    EngineFixture wide = new EngineFixture(48, 8, 160);
    for (Sampling sampling : SAMPLINGS) {
      Job job = job(List.of(RED), sampling);
      Recorder answer = fixture.submit(job);
      fixture.runAll();
      int[] output = answer.tokens().stream().mapToInt(Integer::intValue).toArray();
      for (List<AdapterUse> uses : List.of(List.<AdapterUse>of(), List.of(BLUE))) {
        float[] asked = asked(job, answer, uses);
        for (int i = 0; i < output.length; i++) {
          int[] before = Arrays.copyOf(output, i);
          double wanted =
              SlowSampler.probability(
                  logits(wide, job.prompt(), before, uses),
                  sampling,
                  job.prompt(),
                  before,
                  output[i]);
          assertThat((double) asked[i]).isCloseTo(wanted, within(2e-6));
        }
        assertThat(asked).isNotEqualTo(answer.finished().drawn());
      }
    }
  }

  @Test
  void likelihoods_ofALongAnswerComeInChunksThroughThePrefixCache() {
    Job job = job(List.of(RED), sampling(1, 0, 0.9f, 0, 1.1f, 0, 0).withMaxTokens(200));
    fixture.model.script = position -> -1;
    Recorder answer = fixture.submit(job);
    fixture.runAll();
    Recorder again = fixture.submit(job(List.of(), Sampling.greedy(1)));
    fixture.runAll();
    long hits = engine.stats().prefixTokens();

    assertThat(asked(job, answer, List.of())).hasSameSizeAs(answer.tokens().toArray());
    assertThat(again.finished().reason()).isNotNull();
    assertThat(engine.stats().prefixTokens()).isGreaterThan(hits);
  }

  @Test
  void likelihoods_takeThePathsThatAreAskedFor() {
    EngineFixture crossing = new EngineFixture(4, 8, 16, EngineFixture.PAGES, 8);
    Job job = job(List.of(RED), SAMPLINGS.getLast());
    Recorder answer = crossing.submit(job);
    crossing.runAll();
    CompletableFuture<float[]> followed =
        crossing.engine.likelihoods(ask(job, answer, job.adapters(), answer.finished().paths()));
    CompletableFuture<float[]> open =
        crossing.engine.likelihoods(ask(job, answer, job.adapters(), List.of()));
    crossing.runAll();

    assertThat(answer.finished().paths())
        .extracting(PathRun::path)
        .contains(ComputePath.NARROW, ComputePath.WIDE);
    assertThat(followed.join()).isEqualTo(answer.finished().drawn());
    assertThat(open.join()).isNotEqualTo(followed.join());
  }

  @Test
  void drawn_isUnknownOfTokensThatBiasMayHaveBrought() {
    int[] prompt = prompt();
    Recorder plain = fixture.submit(JobBuilder.prompt(prompt).greedy(1).build());
    fixture.runAll();
    int best = plain.tokens().getFirst();
    int other = best == 30 ? 31 : 30;

    // Drawn with a bias of its own, kept from the best, and left as it was.
    assertThat(biased(prompt, Map.of(best, 1f))).containsExactly(Float.NaN);
    assertThat(biased(prompt, Map.of(best, -100f))).containsExactly(Float.NaN);
    assertThat(biased(prompt, Map.of(other, -1f))).containsExactly(1);
  }

  @Test
  void drawn_isThatOfTheDistributionWithoutBias() {
    int[] prompt = prompt();
    Sampling sampling = sampling(1, 10, 1, 0, 1, 0, 0).withMaxTokens(12);
    Sampling biased =
        new Sampling(12, 1, 10, 1, 0, 1, 0, 0, 11, List.of(), Set.of(), Map.of(20, -50f, 21, 4f));
    Job job = JobBuilder.prompt(prompt).sampling(biased).build();
    Recorder answer = fixture.submit(job);
    fixture.runAll();
    float[] drawn = answer.finished().drawn();
    float[] asked = asked(job, answer, List.of());
    CompletableFuture<float[]> plain =
        engine.likelihoods(
            new LikelihoodJob(
                "test",
                "public",
                Request.DEFAULT_WEIGHT,
                prompt,
                tokens(answer),
                List.of(),
                sampling,
                OptionalLong.empty(),
                List.of()));
    fixture.runAll();

    assertThat(plain.join()).as("bias of a job is left out").isEqualTo(asked);
    int known = 0;
    for (int i = 0; i < drawn.length; i++) {
      boolean own = biased.logitBias().containsKey(answer.tokens().get(i));
      if (own || asked[i] == 0) {
        assertThat(drawn[i]).isNaN();
      } else {
        assertThat(drawn[i]).isEqualTo(asked[i]);
        known++;
      }
    }
    assertThat(known).isPositive();
  }

  @Test
  void anAnswerThatIsCutShort_tellsOfTheTokensItHas() {
    Recorder answer = new Recorder();
    Ticket ticket = engine.submit(job(List.of(), SAMPLINGS.get(2)), answer);
    for (int i = 0; i < 6; i++) {
      engine.turn();
    }
    ticket.cancel();
    fixture.runAll();

    assertThat(answer.failure()).isInstanceOf(Failure.Cancelled.class);
    assertThat(answer.drawn).isNotEmpty().hasSameSizeAs(answer.tokens().toArray());
  }

  @Test
  void likelihoods_waitBehindEverythingElseOfTheTenant() {
    EngineFixture narrow = new EngineFixture(1, 8);
    Recorder first = narrow.submit(job(List.of(), Sampling.greedy(3)));
    narrow.engine.turn();
    CompletableFuture<float[]> asked =
        narrow.engine.likelihoods(
            new LikelihoodJob(
                "test",
                "public",
                Request.DEFAULT_WEIGHT,
                prompt(),
                new int[] {9},
                List.of(),
                Sampling.greedy(1),
                OptionalLong.empty(),
                List.of()));
    Recorder low =
        narrow.submit(JobBuilder.prompt(prompt()).greedy(3).priority(Priority.LOW).build());
    while (!low.end.isDone()) {
      assertThat(asked).isNotDone();
      narrow.engine.turn();
    }
    narrow.runAll();

    assertThat(first.end).isDone();
    assertThat(asked.join()).hasSize(1);
  }

  @Test
  void likelihoods_cancelledOrRefusedHoldNothing() {
    Job job = job(List.of(RED), SAMPLINGS.get(2));
    LikelihoodJob ask =
        new LikelihoodJob(
            "test",
            "public",
            Request.DEFAULT_WEIGHT,
            job.prompt(),
            IntStream.range(4, 60).toArray(),
            List.of(RED),
            job.sampling(),
            OptionalLong.empty(),
            List.of());
    CompletableFuture<float[]> cancelled = engine.likelihoods(ask);
    engine.turn();
    cancelled.cancel(true);
    engine.turn();
    assertThat(engine.stats().running()).isZero();
    assertThat(engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);

    fixture.model.failures.add(new IllegalStateException("bug"));
    CompletableFuture<float[]> failed = engine.likelihoods(ask);
    engine.turn();
    assertThatThrownBy(failed::join).cause().isInstanceOf(JobFailedException.class);

    var unused = engine.drain(Duration.ZERO);
    assertThatThrownBy(() -> engine.likelihoods(ask)).isInstanceOf(Rejection.Draining.class);
  }

  @Test
  void likelihoods_needAPromptAnAnswerAndRoomForBoth() {
    Job job = job(List.of(), Sampling.greedy(1));
    assertThatThrownBy(() -> ask(job.prompt(), new int[0]))
        .isInstanceOf(Rejection.InvalidField.class);
    assertThatThrownBy(() -> ask(new int[0], new int[] {5}))
        .isInstanceOf(Rejection.InvalidField.class);
    int room = EngineFixture.CONTEXT - job.prompt().length;
    var fits = engine.likelihoods(ask(job.prompt(), filled(room)));
    assertThatThrownBy(() -> engine.likelihoods(ask(job.prompt(), filled(room + 1))))
        .isInstanceOf(Rejection.PromptTooLong.class);
    fixture.runAll();
    assertThat(fits.join()).hasSize(room);
  }

  private float[] biased(int[] prompt, Map<Integer, Float> bias) {
    Sampling sampling = new Sampling(1, 0, 0, 1, 0, 1, 0, 0, 0, List.of(), Set.of(), bias);
    Recorder answer = fixture.submit(JobBuilder.prompt(prompt).sampling(sampling).build());
    fixture.runAll();
    return answer.finished().drawn();
  }

  private float[] asked(Job job, Recorder answer, List<AdapterUse> uses) {
    CompletableFuture<float[]> asked = engine.likelihoods(ask(job, answer, uses, List.of()));
    fixture.runAll();
    return asked.join();
  }

  private static LikelihoodJob ask(
      Job job, Recorder answer, List<AdapterUse> uses, List<PathRun> paths) {
    return new LikelihoodJob(
        job.id(),
        job.tenant(),
        job.weight(),
        job.prompt(),
        tokens(answer),
        uses,
        job.sampling(),
        OptionalLong.empty(),
        paths);
  }

  private static LikelihoodJob ask(int[] prompt, int[] output) {
    return new LikelihoodJob(
        "test",
        "public",
        Request.DEFAULT_WEIGHT,
        prompt,
        output,
        List.of(),
        Sampling.greedy(1),
        OptionalLong.empty(),
        List.of());
  }

  private static int[] filled(int length) {
    int[] tokens = new int[length];
    Arrays.fill(tokens, 9);
    return tokens;
  }

  private static int[] tokens(Recorder answer) {
    return answer.tokens().stream().mapToInt(Integer::intValue).toArray();
  }

  /// After prompt and beginning, of the model itself.
  private static float[] logits(
      EngineFixture fixture, int[] prompt, int[] before, List<AdapterUse> uses) {
    int[] tokens = IntStream.concat(IntStream.of(prompt), IntStream.of(before)).toArray();
    CompletableFuture<List<float[]>> probed =
        fixture.engine.probe(tokens, List.of(uses), ComputePath.NARROW);
    fixture.runAll();
    return probed.join().getFirst();
  }

  private static Job job(List<AdapterUse> uses, Sampling sampling) {
    return JobBuilder.prompt(prompt()).adapters(uses).sampling(sampling).build();
  }

  /// Letters only.
  private static int[] prompt() {
    return new Random(3).ints(21, 4, HashModel.VOCABULARY).toArray();
  }

  private static Sampling sampling(
      float temperature,
      int topK,
      float topP,
      float minP,
      float repetition,
      float presence,
      float frequency) {
    return new Sampling(
        20,
        temperature,
        topK,
        topP,
        minP,
        repetition,
        presence,
        frequency,
        11,
        List.of(),
        Set.of(),
        Map.of());
  }
}
