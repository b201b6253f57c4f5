package dev.tributary.server.bench;

import dev.tributary.server.tensor.MachineLimits;
import dev.tributary.server.tensor.Processor;
import java.util.List;

/// Where figures were measured.
///
/// @param features of the processor, those that kernels use
/// @param threads that compute
/// @param gigabytesPerSecond most that all threads read from memory, 10^9 bytes
/// @param gigaflops most float32 operations of all threads, 10^9 a second
/// @param attribution level at which answers are attributed: there is none yet
record Machine(
    String processor,
    List<String> features,
    int threads,
    String java,
    double gigabytesPerSecond,
    double gigaflops,
    String attribution) {

  /// Measures this machine's limits.
  static Machine measure(int threads) {
    Processor processor = Processor.current();
    MachineLimits limits = MachineLimits.measure(threads);
    return new Machine(
        processor.name(),
        processor.features(),
        threads,
        System.getProperty("java.runtime.version"),
        limits.bytesPerSecond() / 1e9,
        limits.flopsPerSecond() / 1e9,
        "NONE");
  }

  /// Two lines for people.
  String text() {
    return "%s, %d threads, %s%nlimits: %.1f GB/s from memory, %.0f GFLOP/s in float32%n"
        .formatted(processor, threads, String.join(" ", features), gigabytesPerSecond, gigaflops);
  }
}
