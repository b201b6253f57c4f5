package dev.tributary.server.engine;

import static dev.tributary.server.engine.EngineFixture.job;
import static dev.tributary.server.engine.LetterText.id;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class EngineBackgroundTest {
  private static final long STEP = Duration.ofMillis(8).toNanos();
  private static final long PIECE = Duration.ofMillis(3).toNanos();

  private final EngineFixture fixture = new EngineFixture();
  private final Engine engine = fixture.engine;
  private int pieces;

  @Test
  void pieces_areCalledUntilThereIsNoMore() {
    CompletableFuture<Void> done = engine.background(() -> ++pieces < 3);
    fixture.runAll();

    assertThat(pieces).isEqualTo(3);
    assertThat(done).isCompleted();
  }

  @Test
  void tasks_takeTurns() {
    List<String> order = new ArrayList<>();
    var first = engine.background(() -> order.add("a") && order.size() < 3);
    var second = engine.background(() -> order.add("b") && order.size() < 3);
    fixture.runAll();

    assertThat(order).containsExactly("a", "b", "a", "b");
    assertThat(first).isCompleted();
    assertThat(second).isCompleted();
  }

  @Test
  void steps_earnTheTimeOfPieces() {
    long began = fixture.clock.get();
    fixture.model.script =
        position -> {
          fixture.clock.addAndGet(STEP);
          return position < 101 ? id('x') : LetterText.END;
        };
    Recorder answer = fixture.submit(job(Sampling.greedy(100), 5));
    CompletableFuture<Void> done =
        engine.background(
            () -> {
              pieces++;
              fixture.clock.addAndGet(PIECE);
              return true;
            });
    while (answer.deltas.size() < 100) {
      engine.turn();
    }

    long earned = (long) (100 * STEP * Background.SHARE);
    assertThat(fixture.clock.get() - began - 100 * STEP).isBetween(earned - PIECE, earned + PIECE);
    assertThat(pieces).isGreaterThan(50);
    done.cancel(false);
    engine.turn();
    int at = pieces;
    fixture.runAll();
    assertThat(pieces).isEqualTo(at);
  }

  @Test
  void answers_areTheSameBesideIt() {
    fixture.says(id('h'), id('i'));
    var done = engine.background(() -> ++pieces < 50);
    Recorder answer = fixture.submit(job(Sampling.greedy(10), 5));
    fixture.runAll();

    assertThat(answer.text()).isEqualTo("hi");
    assertThat(done).isCompleted();
  }

  @Test
  void failure_isTheTasksAlone() {
    CompletableFuture<Void> failing =
        engine.background(
            () -> {
              throw new IllegalArgumentException("no");
            });
    CompletableFuture<Void> other = engine.background(() -> false);
    fixture.runAll();

    assertThatThrownBy(failing::join)
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(JobFailedException.class)
        .hasRootCauseMessage("no");
    assertThat(other).isCompleted();
    assertThat(fixture.fatal).isEmpty();
  }

  @Test
  void hangingPiece_isFatal() {
    var done =
        engine.background(
            () -> {
              fixture.clock.addAndGet(Duration.ofSeconds(31).toNanos());
              engine.checkStep();
              return false;
            });
    engine.turn();

    assertThat(done).isCompleted();
    assertThat(fixture.fatal).hasSize(1);
  }

  @Test
  void drain_endsTasksBetweenPieces() {
    CompletableFuture<Void> done = engine.background(() -> ++pieces > 0);
    engine.turn();
    CompletableFuture<Void> drained = engine.drain(Duration.ZERO);
    fixture.runAll();

    assertThat(pieces).isEqualTo(1);
    assertThat(drained).isCompleted();
    assertThatThrownBy(done::join).hasCause(new JobFailedException(new Failure.Draining()));
    assertThatThrownBy(() -> engine.background(() -> true)).isInstanceOf(Rejection.Draining.class);
  }

  @Test
  void tasks_areBounded() {
    for (int i = 0; i < Background.MOST; i++) {
      var unused = engine.background(() -> true);
    }
    assertThatThrownBy(() -> engine.background(() -> true)).isInstanceOf(Rejection.QueueFull.class);
  }
}
