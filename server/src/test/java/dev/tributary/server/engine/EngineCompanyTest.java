package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.PathRun;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// An answer's bits depend on its request and on the path of each of its tokens, on nothing else:
/// not on neighbours, preemption, prefixes found or where prompts are cut. [HashModel] answers
/// otherwise by the other path.
class EngineCompanyTest {
  private static final List<AdapterUse> ADAPTERS =
      List.of(
          EngineFixture.adapter(1, 1),
          EngineFixture.adapter(2, 0.5f),
          EngineFixture.adapter(3, -1));

  private static final int PAGES = 17;

  /// Little more than one context: 17 pages, 272 tokens.
  private static final EngineSettings SMALL =
      Company.settings(EngineFixture.CONTEXT, HashModel.VOCABULARY, PAGES, 6, 16);

  private static Company company(int wideFrom) {
    return new Company(() -> new HashModel(PAGES, SMALL.stepTokens(), wideFrom), SMALL);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 6, 7})
  void answers_replayedByTheirPathsAreTheSame(long seed) {
    Company company = company(12);
    Company.Outcome outcome = company.together(new Random(seed), 80, ADAPTERS);

    int mixed = 0;
    for (int i = 0; i < outcome.jobs().size(); i++) {
      Recorder answer = outcome.answers().get(i);
      Recorder replayed = company.alone(Company.replay(outcome.jobs().get(i), answer));
      Company.assertSame(answer, replayed);
      List<PathRun> paths = answer.finished().paths();
      assertThat(replayed.finished().paths()).isEqualTo(paths);
      if (outcome.jobs().get(i).sampling().logitBias().isEmpty()) {
        assertThat(company.likelihoods(outcome.jobs().get(i), answer))
            .isEqualTo(answer.finished().drawn());
      }
      Observer.Usage usage = answer.finished().usage();
      assertThat(paths.stream().mapToInt(PathRun::count).sum())
          .isEqualTo(usage.promptTokens() + usage.completionTokens() - 1);
      mixed += paths.size() > 2 ? 1 : 0;
    }
    assertThat(mixed).isPositive();
    assertThat(outcome.stats().preemptions()).isPositive();
    assertThat(outcome.stats().prefixTokens()).isPositive();
  }

  /// One engine follows records of all kinds, so that each finds the same tokens by other paths
  /// than its own, too.
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void answers_boundToPathsAreTheSameWhereOthersLeftTheirPrefixes(long seed) {
    Company company = company(12);
    Random random = new Random(seed);
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      List<PathRun> paths = new ArrayList<>();
      for (int run = 0; run < 4; run++) {
        ComputePath path = ComputePath.values()[random.nextInt(2)];
        paths.add(new PathRun(path, 16 * (1 + random.nextInt(3))));
      }
      Job job = company.randomJob(random, List.of());
      jobs.add(JobBuilder.prompt(job.prompt()).greedy(8).logprobs(3).paths(paths).build());
    }
    List<Recorder> warm = company.inTurn(jobs);

    int found = 0;
    for (int i = 0; i < jobs.size(); i++) {
      Company.assertSame(warm.get(i), company.alone(jobs.get(i)));
      found += warm.get(i).finished().usage().cachedTokens();
    }
    assertThat(found).isPositive();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void repeatableAnswers_areTheSameAloneAndAmongRandomNeighbours(long seed) {
    Company company = company(12);
    Company.Outcome outcome = company.together(new Random(seed), 80, ADAPTERS);

    int others = 0;
    for (int i = 0; i < outcome.jobs().size(); i++) {
      Job job = outcome.jobs().get(i);
      Recorder answer = outcome.answers().get(i);
      Recorder alone = company.alone(job);
      if (job.repeatable()) {
        Company.assertSame(answer, alone);
        assertThat(answer.finished().paths()).isEqualTo(alone.finished().paths());
        assertThat(answer.finished().paths().getFirst())
            .isEqualTo(new PathRun(ComputePath.WIDE, job.prompt().length));
      } else {
        others += answer.tokens().equals(alone.tokens()) ? 0 : 1;
      }
    }
    // Else this would show nothing.
    assertThat(others).isPositive();
  }

  @ParameterizedTest
  @ValueSource(longs = {7, 8})
  void answers_withoutAWidePathAreTheSameAloneAndAmongRandomNeighbours(long seed) {
    Company company = company(Integer.MAX_VALUE);
    Company.Outcome outcome = company.together(new Random(seed), 60, ADAPTERS);

    for (int i = 0; i < outcome.jobs().size(); i++) {
      Company.assertSame(outcome.answers().get(i), company.alone(outcome.jobs().get(i)));
    }
    assertThat(outcome.stats().preemptions()).isPositive();
  }

  @Test
  void answers_toManyThreadsAreEachTheirOwn() throws Exception {
    Random random = new Random(99);
    EngineFixture fixture = new EngineFixture(8, 1000);
    Company company =
        new Company(
            () -> new HashModel(EngineFixture.PAGES, 1000, Integer.MAX_VALUE), fixture.settings);
    ConcurrentLinkedQueue<AssertionError> wrong = new ConcurrentLinkedQueue<>();
    try (Engine engine = fixture.engine) {
      engine.start();
      List<Thread> callers = new ArrayList<>();
      for (int i = 0; i < 150; i++) {
        Job job = company.randomJob(random, ADAPTERS);
        boolean cancel = random.nextInt(10) == 0;
        callers.add(
            Thread.ofVirtual()
                .start(
                    () -> {
                      try {
                        call(engine, company, job, cancel);
                      } catch (AssertionError e) {
                        wrong.add(e);
                      }
                    }));
      }
      for (Thread caller : callers) {
        caller.join();
      }
    }

    assertThat(wrong).isEmpty();
    assertThat(fixture.fatal).isEmpty();
    assertThat(fixture.model.claims).extracting(Thread::getName).containsExactly("engine");
    assertThat(fixture.engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);
    assertThat(fixture.engine.stats().waiting()).isZero();
  }

  private static void call(Engine engine, Company company, Job job, boolean cancel) {
    Recorder answer = new Recorder();
    Ticket ticket = engine.submit(job, answer);
    if (cancel) {
      ticket.cancel();
    }
    Object end = answer.end.join();
    if (cancel && end instanceof Failure) {
      assertThat(end).isEqualTo(new Failure.Cancelled());
      return;
    }
    Company.assertSame(answer, company.alone(job));
  }
}
