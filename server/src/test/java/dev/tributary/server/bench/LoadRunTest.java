package dev.tributary.server.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tributary.v1.GenerateRequest;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LoadRunTest {
  private static final Duration DURATION = Duration.ofMillis(300);
  private static final int VOCABULARY = 1_000;
  private static final int PROMPT = 8;
  private static final int ANSWER = 5;
  private static final long SEED = 11;

  private static LoadPlan plan(@Nullable Double rate, @Nullable Integer callers, int adapters) {
    return new LoadPlan(
        rate,
        callers,
        adapters,
        1,
        new TokenRange(PROMPT, PROMPT),
        new TokenRange(ANSWER, ANSWER),
        3,
        0,
        Duration.ZERO,
        DURATION,
        SEED);
  }

  private static LoadFigures run(FakeInference server, LoadPlan plan, List<String> adapters)
      throws InterruptedException {
    return new LoadRun(
            server.channel,
            plan,
            new LoadRequests(plan, adapters, VOCABULARY),
            new ResidentMemory(OptionalLong.empty()),
            new PrintStream(OutputStream.nullOutputStream()))
        .run();
  }

  @Test
  void arrivals_areAllSent_andCounted() throws Exception {
    try (FakeInference server = new FakeInference()) {
      double rate = 500;
      Arrivals arrivals = new Arrivals(rate, LoadRequests.generator(SEED + 1));
      int due = 0;
      for (long at = arrivals.next(); at < DURATION.toNanos(); at += arrivals.next()) {
        due++;
      }
      LoadFigures figures = run(server, plan(rate, null, 0), List.of());
      assertThat(due).isGreaterThan(100);
      assertThat(figures.requests()).isEqualTo(due).isEqualTo(server.requests.size());
      assertThat(figures.notSent()).isZero();
      assertThat(figures.unfinished()).isZero();
      int refused = due / 3;
      assertThat(figures.statuses().getOrDefault("OK", 0)).isEqualTo(due - refused);
      assertThat(figures.errors())
          .containsExactly(
              new LoadFigures.ErrorText("RESOURCE_EXHAUSTED", "the queue is full", refused));
      int answered = due - refused;
      assertThat(figures.promptTokens()).isEqualTo((long) answered * PROMPT);
      assertThat(figures.cachedTokens()).isEqualTo((long) answered * PROMPT / 2);
      assertThat(figures.firstTokenMs().count()).isEqualTo(answered);
      // Five tokens come in three deltas, so with two gaps.
      assertThat(figures.interTokenMs().count()).isEqualTo(2 * answered);
      assertThat(figures.queueMs()).isEqualTo(new Samples.Summary(answered, 3, 3, 3, 3, 3));
      assertThat(figures.tiers()).isEmpty();
      assertThat(figures.hitRate()).isEqualTo(1);
      assertThat(figures.text()).contains(refused + " x RESOURCE_EXHAUSTED: the queue is full");
    }
  }

  @Test
  void callers_nameAdapters_andTiersAreCounted() throws Exception {
    try (FakeInference server = new FakeInference()) {
      List<String> names = List.of("public/a", "public/b");
      LoadFigures figures = run(server, plan(null, 3, 2), names);
      assertThat(figures.requests()).isGreaterThanOrEqualTo(3).isEqualTo(server.requests.size());
      int started = figures.statuses().getOrDefault("OK", 0);
      int fromDisk = figures.tiers().getOrDefault("TIER_DISK", 0);
      int fromMemory = figures.tiers().getOrDefault("TIER_DEVICE", 0);
      assertThat(fromDisk + fromMemory).isEqualTo(started);
      assertThat(figures.hitRate()).isCloseTo((double) fromMemory / started, within(1e-9));
      assertThat(figures.loadMs().count()).isEqualTo(started);
      for (GenerateRequest request : server.requests) {
        assertThat(names).contains(request.getAdapters(0).getName());
      }
    }
  }

  @Test
  void requests_shareTheirPrefix_andNothingElse() {
    LoadRequests requests = new LoadRequests(plan(1.0, null, 0), List.of(), VOCABULARY);
    List<Integer> first = requests.next().getTokens().getIdsList();
    Set<List<Integer>> rests = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      List<Integer> ids = requests.next().getTokens().getIdsList();
      assertThat(ids).hasSize(PROMPT).allMatch(id -> id >= 250 && id < 750);
      assertThat(ids.subList(0, 3)).isEqualTo(first.subList(0, 3));
      rests.add(ids.subList(3, PROMPT));
    }
    assertThat(rests).hasSize(20);
  }

  @Test
  void equalSeeds_askTheSame() {
    LoadPlan plan = plan(1.0, null, 2);
    LoadRequests one = new LoadRequests(plan, List.of("a", "b"), VOCABULARY);
    LoadRequests other = new LoadRequests(plan, List.of("a", "b"), VOCABULARY);
    for (int i = 0; i < 20; i++) {
      assertThat(one.next()).isEqualTo(other.next());
    }
  }
}
