package dev.tributary.server.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Kills a process in the middle of its changes, again and again.
class StateCrashTest {
  private static final int ROUNDS = 10;
  private static final int MOST_LINES = 80;

  /// About what two changes take.
  private static final int MOST_NANOS = 8_000_000;

  @TempDir Path folder;

  @Test
  void kill_losesNothingAcknowledged_andLeavesNothingHalf() throws Exception {
    Path file = folder.resolve("state.db");
    ModelAdapters model = new ModelAdapters(new FakeTime());
    Random random = new Random(7);
    int acknowledged = 0;
    for (int round = 0; round < ROUNDS; round++) {
      List<String> lines;
      try (Child child = new Child(ChangingProcess.class, file.toString(), "" + round)) {
        lines = new ArrayList<>(child.read(random.nextInt(MOST_LINES)));
        // Anywhere within the next change, not only at its start.
        LockSupport.parkNanos(random.nextInt(MOST_NANOS));
        lines.addAll(child.kill());
      }
      @Nullable Change pending = null;
      for (String line : lines) {
        if (!line.equals("done")) {
          pending = Change.parse(line);
        } else if (pending != null) {
          pending.apply(model);
          pending = null;
          acknowledged++;
        }
      }
      model = reopened(file, model, pending);
    }
    assertThat(acknowledged).isGreaterThan(ROUNDS);
  }

  /// The state is what was acknowledged, or that and all of the change under way.
  private static ModelAdapters reopened(Path file, ModelAdapters model, @Nullable Change pending) {
    ModelAdapters further = model.copy();
    if (pending != null) {
      pending.apply(further);
    }
    try (State state = State.open(file, new FakeTime())) {
      View found = View.of(state.adapters(), List.of(Tenants.PUBLIC), 3).withoutEtags();
      assertThat(found).isIn(model.view().withoutEtags(), further.view().withoutEtags());
      return found.equals(further.view().withoutEtags()) ? further : model;
    }
  }
}
