package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.Priority;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// An answer is the same alone and in any company.
class EngineCompanyTest {
  private static final List<AdapterUse> ADAPTERS =
      List.of(
          EngineFixture.adapter(1, 1),
          EngineFixture.adapter(2, 0.5f),
          EngineFixture.adapter(3, -1));

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void answers_areTheSameAloneAndAmongRandomNeighbours(long seed) {
    Random random = new Random(seed);
    EngineFixture together = new EngineFixture(6, 1000);
    List<Job> jobs = new ArrayList<>();
    List<Recorder> answers = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      Job job = randomJob(random);
      jobs.add(job);
      Recorder answer = new Recorder();
      answers.add(answer);
      var unused = together.engine.submit(job, answer);
      Ticket neighbour = together.engine.submit(randomJob(random), new Recorder());
      for (int turns = random.nextInt(4); turns > 0; turns--) {
        together.engine.turn();
      }
      // Some neighbours leave in the middle, and their pages go to others.
      if (random.nextInt(3) == 0) {
        neighbour.cancel();
      }
    }
    together.runAll();

    for (int i = 0; i < jobs.size(); i++) {
      EngineFixture single = new EngineFixture(1, 1);
      Recorder alone = single.submit(jobs.get(i));
      single.runAll();
      assertSame(answers.get(i), alone);
    }
  }

  @Test
  void answers_toManyThreadsAreEachTheirOwn() throws Exception {
    Random random = new Random(99);
    EngineFixture fixture = new EngineFixture(8, 1000);
    ConcurrentLinkedQueue<AssertionError> wrong = new ConcurrentLinkedQueue<>();
    try (Engine engine = fixture.engine) {
      engine.start();
      List<Thread> callers = new ArrayList<>();
      for (int i = 0; i < 150; i++) {
        Job job = randomJob(random);
        boolean cancel = random.nextInt(10) == 0;
        callers.add(
            Thread.ofVirtual()
                .start(
                    () -> {
                      try {
                        call(engine, job, cancel);
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

  private static void call(Engine engine, Job job, boolean cancel) {
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
    EngineFixture single = new EngineFixture(1, 1);
    Recorder alone = single.submit(job);
    single.runAll();
    assertSame(answer, alone);
  }

  private static void assertSame(Recorder answer, Recorder alone) {
    assertThat(answer.tokens()).isEqualTo(alone.tokens());
    assertThat(answer.logprobs()).isEqualTo(alone.logprobs());
    assertThat(answer.text()).isEqualTo(alone.text());
    assertThat(answer.finished().reason()).isEqualTo(alone.finished().reason());
    assertThat(answer.finished().usage()).isEqualTo(alone.finished().usage());
  }

  private static Job randomJob(Random random) {
    int[] prompt =
        random.ints(1 + random.nextInt(random.nextInt(5) == 0 ? 150 : 20), 0, 64).toArray();
    Sampling sampling =
        new Sampling(
            1 + random.nextInt(30),
            random.nextBoolean() ? 0 : 0.5f + random.nextFloat(),
            random.nextBoolean() ? 0 : 1 + random.nextInt(30),
            random.nextBoolean() ? 1 : 0.3f + 0.7f * random.nextFloat(),
            random.nextBoolean() ? 0 : 0.2f * random.nextFloat(),
            random.nextBoolean() ? 1 : 1.3f,
            random.nextBoolean() ? 0 : 0.5f,
            random.nextBoolean() ? 0 : 0.5f,
            random.nextLong(),
            random.nextBoolean() ? List.of() : List.of("ab", "q"),
            random.nextBoolean() ? Set.of() : Set.of(9, 17),
            random.nextBoolean() ? Map.of() : Map.of(5, 2f, 6, -3f));
    List<AdapterUse> adapters = new ArrayList<>();
    for (AdapterUse adapter : ADAPTERS) {
      if (random.nextInt(3) == 0) {
        adapters.add(adapter);
      }
    }
    JobBuilder job =
        JobBuilder.prompt(prompt)
            .sampling(sampling)
            .adapters(adapters)
            .priority(Priority.values()[random.nextInt(3)]);
    if (random.nextBoolean()) {
      job.logprobs(random.nextInt(5));
    }
    return random.nextInt(4) == 0 ? job.echo().build() : job.build();
  }
}
