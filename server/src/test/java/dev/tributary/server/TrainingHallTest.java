package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.tensor.EmulatedCuda;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.train.TrainingRefusal;
import org.junit.jupiter.api.Test;

class TrainingHallTest {
  @Test
  void aGpu_trainsNothingAndSaysWhatWould() {
    try (Ops ops = EmulatedCuda.ops()) {
      assertThat(TrainingHall.unable(ops, true))
          .map(TrainingRefusal.Unable::message)
          .hasValue("this server's device cannot train; start it with --device cpu");
    }
  }

  @Test
  void aCpu_trainsWhereTheBaseHasATemplate() {
    try (Ops ops = Ops.cpu(Libtorch.bundled(), 1)) {
      assertThat(TrainingHall.unable(ops, true)).isEmpty();
      assertThat(TrainingHall.unable(ops, false))
          .map(TrainingRefusal.Unable::message)
          .hasValueSatisfying(message -> assertThat(message).contains("no chat template"));
    }
  }
}
