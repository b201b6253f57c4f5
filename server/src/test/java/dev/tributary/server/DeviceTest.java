package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tributary.server.tensor.Ops;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTest {
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);

  private static Config config(String device) {
    Config config = new Config();
    config.device = device;
    return config;
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "cpu"})
  void cpu_withoutAGpu_isChosenSilently(String flag) {
    assumeTrue(Ops.gpu().isEmpty(), "this machine has a GPU");
    Device device = Device.open(config(flag), out);
    try (Ops ops = device.ops()) {
      assertThat(device.kind()).isEqualTo("cpu");
      assertThat(ops.numerics()).startsWith("cpu ");
      assertThat(ops.freeMemory()).isEmpty();
      assertThat(printed.size()).isZero();
    }
  }

  @Test
  void cuda_withoutADriver_saysWhatToDo() {
    assumeTrue(Ops.gpu().isEmpty(), "this machine has a GPU");
    assertThatThrownBy(() -> Device.open(config("cuda"), out))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("--device cuda: ")
        .hasMessageContaining("NVIDIA driver")
        .hasMessageEndingWith("--device cpu needs none of it");
  }

  @Test
  void aWord_thatIsNoDevice_isRefused() {
    assertThatThrownBy(() -> Device.open(config("tpu"), out))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("--device tpu: it is one of auto, cpu and cuda");
  }
}
