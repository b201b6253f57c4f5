package dev.tributary.server.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A run whose disk fails, or whose machine loses power, at any of its steps: what is stored is
/// whole, and going on ends in the same adapters.
class InterruptedRunTest {
  private static final List<Member> MEMBERS =
      List.of(
          new Member("one", Runs.settings(1, 1), Runs.examples(8, 1), List.of()),
          new Member("two", early(), Runs.examples(12, 2), Runs.examples(2, 3)));

  @TempDir private Path folder;

  /// Keeps its best values.
  private static RunSettings early() {
    return new RunSettings(
        Runs.settings(1, 2).lora(), new Optimization(0.01, 2, 0, 4, 2, 1, 0, 1), 24, 0, 2);
  }

  private static Trainer trainer(Disk disk) {
    return new Trainer(Runs.place(new ToyGradients(64), 1, disk));
  }

  private List<String> whole() throws IOException {
    return Runs.digests(trainer(new LocalDisk()), folder.resolve("whole"), MEMBERS);
  }

  private int steps() throws IOException {
    FaultyDisk counting = new FaultyDisk(-1, false);
    Runs.digests(trainer(counting), folder.resolve("counted"), MEMBERS);
    return counting.steps();
  }

  @Test
  void train_powerLostAtAnyStep_goesOnToTheSameBits() throws IOException {
    List<String> whole = whole();
    Random random = new Random(1);
    int steps = steps();
    assertThat(steps).isGreaterThan(60);
    for (int step = 0; step < steps; step++) {
      Path own = folder.resolve("power" + step);
      FaultyDisk disk = new FaultyDisk(step, true);
      assertThatThrownBy(() -> trainer(disk).train(own, MEMBERS, Runs.DEAF, Runs.NEVER))
          .isInstanceOf(FaultyDisk.PowerCut.class);
      disk.loseUnsynced(random);
      assertThat(Runs.digests(trainer(new LocalDisk()), own, MEMBERS))
          .as("step %d", step)
          .isEqualTo(whole);
    }
  }

  @Test
  void train_anErrorAtAnyStep_isToldAndCanBeGoneOnFrom() throws IOException {
    List<String> whole = whole();
    int steps = steps();
    for (int step = 0; step < steps; step++) {
      Path own = folder.resolve("error" + step);
      FaultyDisk disk = new FaultyDisk(step, false);
      assertThatThrownBy(() -> trainer(disk).train(own, MEMBERS, Runs.DEAF, Runs.NEVER))
          .isInstanceOf(IOException.class)
          .hasMessage("Input/output error");
      assertThat(Runs.digests(trainer(new LocalDisk()), own, MEMBERS))
          .as("step %d", step)
          .isEqualTo(whole);
    }
  }

  @Test
  void train_powerLostAgainAndAgain_endsInTheSameBits() throws IOException {
    List<String> whole = whole();
    Random random = new Random(2);
    for (int round = 0; round < 10; round++) {
      Path own = folder.resolve("again" + round);
      for (int cut = 0; cut < 6; cut++) {
        FaultyDisk disk = new FaultyDisk(random.nextInt(40), true);
        try {
          trainer(disk).train(own, MEMBERS, Runs.DEAF, Runs.NEVER);
        } catch (FaultyDisk.PowerCut e) {
          disk.loseUnsynced(random);
        }
      }
      assertThat(Runs.digests(trainer(new LocalDisk()), own, MEMBERS)).isEqualTo(whole);
    }
  }
}
