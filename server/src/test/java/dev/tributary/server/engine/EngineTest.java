package dev.tributary.server.engine;

import static dev.tributary.server.engine.EngineFixture.job;
import static dev.tributary.server.engine.EngineFixture.stopping;
import static dev.tributary.server.engine.LetterText.id;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.engine.Observer.Reason;
import dev.tributary.server.engine.Observer.Timings;
import dev.tributary.server.engine.Observer.Usage;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Span;
import dev.tributary.server.schedule.PathRun;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class EngineTest {
  private final EngineFixture fixture = new EngineFixture();
  private final Engine engine = fixture.engine;

  @Test
  void generation_streamsATokenAStepUntilTheModelsStopToken() {
    fixture.says(id('h'), id('i'));
    Recorder answer = fixture.submit(job(Sampling.greedy(10), 5));
    fixture.runAll();

    assertThat(answer.started).isEqualTo(new Observer.Started(0, 1, 0, 10));
    assertThat(answer.deltas)
        .containsExactly(
            new Observer.Delta("h", List.of(id('h')), List.of(), false),
            new Observer.Delta("i", List.of(id('i')), List.of(), false),
            new Observer.Delta("", List.of(LetterText.END), List.of(), true));
    assertThat(answer.finished().reason()).isEqualTo(Reason.STOP);
    assertThat(answer.finished().usage()).isEqualTo(new Usage(1, 0, 3));
    assertThat(engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);
  }

  @Test
  void generation_endsAtMaxTokensAndFlushesWhatWasHeld() {
    fixture.says(id('a'), id('b'), id('c'));
    Recorder answer = fixture.submit(job(stopping(2, List.of("bcd"), Set.of()), 5));
    fixture.runAll();

    assertThat(answer.deltas).extracting(Observer.Delta::text).containsExactly("a", "b");
    assertThat(answer.finished().reason()).isEqualTo(Reason.LENGTH);
  }

  @Test
  void generation_endsBeforeAStopStringAcrossTokens() {
    fixture.says(id('a'), id('b'), id('c'), id('d'), id('e'));
    Recorder answer = fixture.submit(job(stopping(9, List.of("bcd"), Set.of()), 5));
    fixture.runAll();

    assertThat(answer.deltas).extracting(Observer.Delta::text).containsExactly("a", "", "", "");
    assertThat(answer.tokens()).containsExactly(id('a'), id('b'), id('c'), id('d'));
    assertThat(answer.finished().reason()).isEqualTo(Reason.STOP_SEQUENCE);
  }

  @Test
  void generation_endsAtTheRequestsStopTokenWithoutItsText() {
    fixture.says(id('a'), id('b'));
    Recorder answer = fixture.submit(job(stopping(9, List.of(), Set.of(id('b'))), 5));
    fixture.runAll();

    assertThat(answer.text()).isEqualTo("a");
    assertThat(answer.finished().reason()).isEqualTo(Reason.STOP);
  }

  @Test
  void generation_releasesACharacterWhenItsLastHalfIsThere() {
    fixture.says(
        LetterText.EMOJI_FIRST_HALF,
        LetterText.EMOJI_SECOND_HALF,
        LetterText.CONTROL,
        LetterText.EMOJI_FIRST_HALF);
    Recorder answer = fixture.submit(job(Sampling.greedy(10), 5));
    fixture.runAll();

    assertThat(answer.deltas)
        .extracting(Observer.Delta::text)
        .containsExactly("", "😀", "", "", "\ufffd");
  }

  @Test
  void generation_isClippedToTheContext() {
    int[] prompt = new int[EngineFixture.CONTEXT - 3];
    fixture.model.script = position -> id('x');
    Recorder answer = fixture.submit(job(Sampling.greedy(1000), prompt));
    fixture.runAll();

    assertThat(answer.text()).isEqualTo("xxx");
    assertThat(answer.finished().reason()).isEqualTo(Reason.LENGTH);
  }

  @Test
  void generation_saysWhereItsTimeWent() {
    fixture.says(id('a'), id('b'));
    Recorder answer = fixture.submit(job(Sampling.greedy(10), 5));
    fixture.clock.addAndGet(7);
    fixture.model.onStep = () -> fixture.clock.addAndGet(100);
    fixture.runAll();

    assertThat(answer.finished().timings()).isEqualTo(new Timings(7, 100, 220, 107));
  }

  @Test
  void generation_endsAtItsTimeLimitWithWhatItHas() {
    fixture.model.script = position -> id('a');
    Recorder answer = fixture.submit(JobBuilder.prompt(5).greedy(50).timeLimit(100).build());
    fixture.clock.addAndGet(1000); // Waiting in the queue doesn't count.
    engine.turn();
    fixture.clock.addAndGet(99);
    engine.turn();
    fixture.clock.addAndGet(1);
    engine.turn();

    assertThat(answer.text()).isEqualTo("aa");
    assertThat(answer.finished().reason()).isEqualTo(Reason.TIME_LIMIT);
    assertThat(engine.stats().running()).isZero();
  }

  @Test
  void deadline_freesTheRowWithinAStepRunningOrWaiting() {
    EngineFixture single = new EngineFixture(1, 8);
    single.model.script = position -> id('a');
    Recorder running = single.submit(JobBuilder.prompt(5).greedy(50).deadline(1100).build());
    Recorder waiting = single.submit(JobBuilder.prompt(5).greedy(50).deadline(1050).build());
    single.engine.turn();
    assertThat(single.engine.stats().waiting()).isOne();
    single.clock.set(1050);
    single.engine.turn();
    assertThat(waiting.failure()).isEqualTo(new Failure.DeadlineExceeded());
    assertThat(running.failure()).isNull();
    single.clock.set(1100);
    single.engine.turn();

    assertThat(running.failure()).isEqualTo(new Failure.DeadlineExceeded());
    assertThat(running.text()).isEqualTo("aa");
    assertThat(single.engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);
    assertThat(single.engine.stats().waiting()).isZero();
  }

  @Test
  void cancel_freesTheRowWithinAStep() {
    fixture.model.script = position -> id('a');
    Recorder answer = new Recorder();
    Ticket ticket = engine.submit(job(Sampling.greedy(50), 5), answer);
    engine.turn();
    ticket.cancel();
    engine.turn();

    assertThat(answer.failure()).isEqualTo(new Failure.Cancelled());
    assertThat(answer.paths.stream().mapToInt(PathRun::count).sum()).isEqualTo(1);
    assertThat(engine.stats().running()).isZero();
    assertThat(engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);
    ticket.cancel();
    fixture.runAll();
    assertThat(answer.tokens()).hasSize(1);
  }

  @Test
  void submit_refusesWhatTheQueueCannotHold() {
    for (int i = 0; i < 8; i++) {
      fixture.submit(JobBuilder.prompt(5).greedy(1).tenant("tenant " + i % 2).build());
    }

    assertThatThrownBy(() -> fixture.submit(job(Sampling.greedy(1), 5)))
        .isInstanceOfSatisfying(
            Rejection.QueueFull.class,
            e -> assertThat(e.retryAfter()).isEqualTo(Duration.ofSeconds(2)));
    engine.turn(); // Four rows are admitted.
    fixture.submit(job(Sampling.greedy(1), 5));
  }

  @Test
  void submit_leavesRoomForATenantThatHasNothingWaiting() {
    for (int i = 0; i < 7; i++) {
      fixture.submit(job(Sampling.greedy(1), 5));
    }

    assertThatThrownBy(() -> fixture.submit(job(Sampling.greedy(1), 5)))
        .isInstanceOfSatisfying(
            Rejection.ShareFull.class,
            e -> {
              assertThat(e.tenant()).isEqualTo("public");
              assertThat(e.retryAfter()).isEqualTo(Duration.ofSeconds(2));
            });
    fixture.submit(JobBuilder.prompt(5).greedy(1).tenant("other").build());
    fixture.runAll();
    fixture.submit(job(Sampling.greedy(1), 5));
  }

  @Test
  void submit_refusesPromptsThatLeaveNoRoom() {
    assertThatThrownBy(
            () -> fixture.submit(job(Sampling.greedy(1), new int[EngineFixture.CONTEXT])))
        .isInstanceOfSatisfying(
            Rejection.PromptTooLong.class,
            e -> {
              assertThat(e.limit()).isEqualTo(EngineFixture.CONTEXT - 1);
              assertThat(e).hasMessageContaining("255");
            });
  }

  @Test
  void submit_refusesTokensOutsideTheVocabulary() {
    rejects("input", job(Sampling.greedy(1), HashModel.VOCABULARY));
    rejects("input", job(Sampling.greedy(1), -1));
    rejects("sampling.stop_token_ids", job(stopping(1, List.of(), Set.of(64)), 5));
    assertThatThrownBy(() -> job(Sampling.greedy(1))).isInstanceOf(Rejection.InvalidField.class);
  }

  @Test
  void failedStep_failsItsRowsAndTheNextOneRuns() {
    RuntimeException bug = new IllegalStateException("bug");
    fixture.says(id('a'));
    fixture.model.failures.add(bug);
    Recorder first = fixture.submit(job(Sampling.greedy(5), 5));
    engine.turn();
    Recorder second = fixture.submit(job(Sampling.greedy(5), 5));
    fixture.runAll();

    assertThat(first.failure()).isEqualTo(new Failure.Internal(bug));
    assertThat(second.text()).isEqualTo("a");
    assertThat(engine.stats().failedSteps()).isOne();
    assertThat(engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);
  }

  @Test
  void failedSteps_oneAfterAnotherAreFatal() {
    for (int i = 0; i < 3; i++) {
      fixture.model.failures.add(new IllegalStateException("bug " + i));
      fixture.submit(job(Sampling.greedy(5), 5));
      if (i < 2) {
        engine.turn();
      }
    }

    assertThatThrownBy(engine::turn)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("3");
  }

  @Test
  void failedSteps_endTheThreadAndTellWhoCanEndTheProcess() {
    RuntimeException bug = new IllegalStateException("bug");
    for (int i = 0; i < 3; i++) {
      fixture.model.failures.add(bug);
    }
    CompletableFuture<Throwable> told = new CompletableFuture<>();
    Engine failing =
        new Engine(
            fixture.model, new LetterText(), fixture.settings, fixture.clock::get, told::complete);
    failing.start();
    for (int i = 0; i < 3; i++) {
      Recorder last = new Recorder();
      var unused = failing.submit(job(Sampling.greedy(5), 5), last);
      assertThat(last.end.join()).isEqualTo(new Failure.Internal(bug));
    }

    assertThat(told.join()).hasCause(bug);
    assertThatThrownBy(() -> failing.submit(job(Sampling.greedy(5), 5), new Recorder()))
        .isInstanceOf(Rejection.Draining.class);
    failing.close();
  }

  @Test
  void failedSteps_thatAreNotInARowAreNotFatal() {
    fixture.says(id('a'));
    for (int i = 0; i < 5; i++) {
      fixture.model.failures.add(new IllegalStateException("bug"));
      fixture.submit(job(Sampling.greedy(5), 5));
      engine.turn();
      fixture.submit(job(Sampling.greedy(5), 5));
      fixture.runAll();
    }

    assertThat(engine.stats().failedSteps()).isEqualTo(5);
  }

  @Test
  void logitsThatAreNotFinite_failOnlyTheirRow() {
    fixture.says(id('a'));
    Recorder bad = fixture.submit(job(Sampling.greedy(5), 5));
    Recorder good = fixture.submit(job(Sampling.greedy(5), 6));
    fixture.model.poisoned = 5;
    fixture.runAll();

    assertThat(bad.failure()).isInstanceOf(Failure.Internal.class);
    assertThat(good.text()).isEqualTo("a");
  }

  @Test
  void observerThatThrows_losesOnlyItsOwnAnswer() {
    fixture.says(id('a'));
    var unused =
        engine.submit(
            job(Sampling.greedy(5), 5),
            new Observer() {
              @Override
              public void onStarted(Started started) {
                throw new IllegalStateException("observer");
              }

              @Override
              public void onDelta(Delta delta) {
                throw new AssertionError("called again");
              }

              @Override
              public void onFinished(Finished finished) {
                throw new AssertionError("called again");
              }

              @Override
              public void onFailed(Failure failure, List<PathRun> paths, float[] drawn) {
                throw new AssertionError("called again");
              }
            });
    Recorder other = fixture.submit(job(Sampling.greedy(5), 5));
    fixture.runAll();

    assertThat(other.text()).isEqualTo("a");
    assertThat(engine.stats().freePages()).isEqualTo(EngineFixture.PAGES);
  }

  @Test
  void drain_letsRowsFinishWithinTheGraceAndTakesNoMore() {
    fixture.says(id('a'));
    Recorder answer = fixture.submit(job(Sampling.greedy(5), 5));
    CompletableFuture<Void> drained = engine.drain(Duration.ofSeconds(1));

    assertThatThrownBy(() -> fixture.submit(job(Sampling.greedy(5), 5)))
        .isInstanceOf(Rejection.Draining.class);
    assertThat(drained).isNotDone();
    fixture.runAll();
    assertThat(drained).isCompleted();
    assertThat(answer.text()).isEqualTo("a");
  }

  @Test
  void drain_failsWhatIsLeftAfterTheGrace() {
    fixture.model.script = position -> id('a');
    Recorder answer = fixture.submit(job(Sampling.greedy(50), 5));
    engine.turn();
    CompletableFuture<Void> drained = engine.drain(Duration.ofNanos(10));
    engine.turn();
    assertThat(drained).isNotDone();
    fixture.clock.addAndGet(10);
    engine.turn();

    assertThat(drained).isCompleted();
    assertThat(answer.failure()).isEqualTo(new Failure.Draining());
  }

  @Test
  void watchdog_isFatalOnceWhenAStepHangs() {
    fixture.says(id('a'));
    fixture.model.onStep =
        () -> {
          fixture.clock.addAndGet(Duration.ofSeconds(30).toNanos());
          engine.checkStep();
          assertThat(fixture.fatal).isEmpty();
          fixture.clock.addAndGet(1);
          engine.checkStep();
          engine.checkStep();
        };
    fixture.submit(job(Sampling.greedy(1), 5));
    engine.turn();

    assertThat(fixture.fatal).hasSize(1);
    fixture.clock.addAndGet(Duration.ofSeconds(60).toNanos());
    engine.checkStep();
    assertThat(fixture.fatal).hasSize(1);
  }

  @Test
  void stats_countTokensAndSteps() {
    fixture.says(id('a'), id('b'));
    fixture.submit(job(Sampling.greedy(5), 5));
    fixture.runAll();

    assertThat(engine.stats())
        .isEqualTo(
            new EngineStats(0, 0, EngineFixture.PAGES, 0, EngineFixture.PAGES, 3, 1, 0, 3, 0, 0));
  }

  @Test
  void step_placesRowsWithTheSameAdaptersTogether() {
    var red = EngineFixture.adapter(1, 1);
    var blue = EngineFixture.adapter(2, 1);
    List<List<AdapterUse>> uses = List.of(List.of(red), List.of(blue), List.of(red), List.of(blue));
    uses.forEach(use -> fixture.submit(JobBuilder.prompt(5).adapters(use).build()));
    engine.turn();

    assertThat(fixture.model.steps.getFirst())
        .extracting(Span::adapters)
        .containsExactly(List.of(red), List.of(red), List.of(blue), List.of(blue));
  }

  private void rejects(String field, Job job) {
    assertThatThrownBy(() -> fixture.submit(job))
        .isInstanceOfSatisfying(
            Rejection.InvalidField.class, e -> assertThat(e.field()).isEqualTo(field));
  }
}
