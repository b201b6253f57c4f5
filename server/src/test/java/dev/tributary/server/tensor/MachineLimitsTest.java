package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MachineLimitsTest {
  /// Bounds that hold for any machine from a slow, shared one to the largest server.
  @Test
  void measure_isOfTheSizeOfMachines() {
    MachineLimits limits = MachineLimits.measure(2);
    assertThat(limits.bytesPerSecond()).isBetween(1e8, 1e13);
    assertThat(limits.flopsPerSecond()).isBetween(1e8, 1e14);
  }
}
