package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.StepRunner;
import dev.tributary.server.schedule.Priority;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/// Runs the same jobs in company and alone, and compares bit by bit.
///
/// @param runners each a model whose cache nobody else uses meanwhile
record Company(Supplier<? extends StepRunner> runners, EngineSettings settings) {
  /// Jobs, what became of them, and of the engine that ran them together.
  record Outcome(List<Job> jobs, List<Recorder> answers, EngineStats stats) {}

  /// An engine's bounds.
  static EngineSettings settings(int context, int vocabulary, int pages, int rows, int chunk) {
    return new EngineSettings(
        "sha256:base",
        false,
        context,
        vocabulary,
        pages,
        rows,
        10_000,
        rows,
        rows + 5 * chunk / 2,
        chunk,
        chunk,
        Duration.ofSeconds(30),
        3,
        Duration.ofSeconds(2));
  }

  /// Runs jobs among neighbours, some of whom leave in the middle so that their pages go to others.
  Outcome together(Random random, int count, List<AdapterUse> adapters) {
    AtomicLong clock = new AtomicLong();
    Engine engine = engine(clock);
    List<Job> jobs = new ArrayList<>();
    List<Recorder> answers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Job job = randomJob(random, adapters);
      jobs.add(job);
      Recorder answer = new Recorder();
      answers.add(answer);
      var unused = engine.submit(job, answer);
      Ticket neighbour = engine.submit(randomJob(random, adapters), new Recorder());
      for (int turns = random.nextInt(4); turns > 0; turns--) {
        engine.turn();
      }
      if (random.nextInt(3) == 0) {
        neighbour.cancel();
      }
    }
    while (engine.turn() > 0) {
      clock.addAndGet(10);
    }
    assertThat(engine.stats().freePages()).isEqualTo(settings.pages());
    return new Outcome(jobs, answers, engine.stats());
  }

  /// Runs a job in an engine of its own.
  Recorder alone(Job job) {
    return inTurn(List.of(job)).getFirst();
  }

  /// Runs jobs one after another in one engine.
  List<Recorder> inTurn(List<Job> jobs) {
    AtomicLong clock = new AtomicLong();
    Engine engine = engine(clock);
    List<Recorder> answers = new ArrayList<>();
    for (Job job : jobs) {
      Recorder answer = new Recorder();
      var unused = engine.submit(job, answer);
      while (engine.turn() > 0) {
        clock.addAndGet(10);
      }
      answers.add(answer);
    }
    return answers;
  }

  /// With what probability the answer would have been drawn, asked in an engine of its own.
  float[] likelihoods(Job job, Recorder answer) {
    AtomicLong clock = new AtomicLong();
    Engine engine = engine(clock);
    CompletableFuture<float[]> asked =
        engine.likelihoods(
            new LikelihoodJob(
                job.id(),
                job.tenant(),
                job.weight(),
                job.prompt(),
                generated(job, answer),
                job.adapters(),
                job.sampling(),
                OptionalLong.empty(),
                answer.finished().paths()));
    while (engine.turn() > 0) {
      clock.addAndGet(10);
    }
    return asked.join();
  }

  /// The answer without an echo.
  private static int[] generated(Job job, Recorder answer) {
    return answer.tokens().stream()
        .skip(job.echo() ? job.prompt().length : 0)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private Engine engine(AtomicLong clock) {
    return new Engine(
        runners.get(),
        new LetterText(),
        settings,
        clock::get,
        failure -> {
          throw new AssertionError(failure);
        });
  }

  /// The same but for what the prefix cache spared and the paths taken.
  static void assertSame(Recorder answer, Recorder other) {
    assertThat(answer.tokens()).isEqualTo(other.tokens());
    assertThat(answer.logprobs()).isEqualTo(other.logprobs());
    assertThat(answer.text()).isEqualTo(other.text());
    assertThat(answer.finished().reason()).isEqualTo(other.finished().reason());
    assertThat(answer.finished().drawn()).isEqualTo(other.finished().drawn());
    assertThat(answer.finished().usage().completionTokens())
        .isEqualTo(other.finished().usage().completionTokens());
  }

  /// The job with the paths that its answer took.
  static Job replay(Job job, Recorder answer) {
    return new Job(
        job.id(),
        job.tenant(),
        job.weight(),
        job.prompt(),
        job.adapters(),
        job.sampling(),
        job.logprobs(),
        job.timeLimitNanos(),
        job.deadlineNanos(),
        job.priority(),
        job.echo(),
        job.repeatable(),
        answer.finished().paths());
  }

  /// Prompts begin alike, adapters come in any order, a third wants to be repeatable.
  Job randomJob(Random random, List<AdapterUse> adapters) {
    List<AdapterUse> uses = new ArrayList<>();
    for (AdapterUse adapter : adapters) {
      if (random.nextInt(3) == 0) {
        uses.add(random.nextInt(uses.size() + 1), adapter);
      }
    }
    JobBuilder job =
        JobBuilder.prompt(randomPrompt(random))
            .sampling(randomSampling(random))
            .adapters(uses)
            .priority(Priority.values()[random.nextInt(3)]);
    if (random.nextInt(4) > 0) {
      job.logprobs(random.nextInt(5));
    }
    if (random.nextInt(3) == 0) {
      job.repeatable();
    }
    return random.nextInt(6) == 0 ? job.echo().build() : job.build();
  }

  private int[] randomPrompt(Random random) {
    Random beginning = new Random(random.nextInt(3));
    int length = 1 + random.nextInt(random.nextInt(3) == 0 ? 120 : 30);
    int common = random.nextInt(length + 1);
    int[] prompt = new int[length];
    for (int i = 0; i < length; i++) {
      prompt[i] = (i < common ? beginning : random).nextInt(settings.vocabulary());
    }
    return prompt;
  }

  private static Sampling randomSampling(Random random) {
    return new Sampling(
        1 + random.nextInt(80),
        random.nextBoolean() ? 0 : 0.5f + random.nextFloat(),
        random.nextBoolean() ? 0 : 1 + random.nextInt(30),
        random.nextBoolean() ? 1 : 0.3f + 0.7f * random.nextFloat(),
        random.nextBoolean() ? 0 : 0.2f * random.nextFloat(),
        random.nextBoolean() ? 1 : 1.3f,
        random.nextBoolean() ? 0 : 0.5f,
        random.nextBoolean() ? 0 : 0.5f,
        random.nextLong(),
        random.nextBoolean() ? List.of() : List.of("abc", "qz"),
        random.nextBoolean() ? Set.of() : Set.of(9, 17),
        random.nextBoolean() ? Map.of() : Map.of(5, 2f, 6, -3f));
  }
}
