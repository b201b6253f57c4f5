package dev.tributary.server.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The basics of JVM and process.
final class MachineMeters {
  private static final Path STATUS = Path.of("/proc/self/status");

  private MachineMeters() {}

  /// The garbage collector's listener lives as long as the process.
  @SuppressWarnings("resource")
  static void bind(MeterRegistry registry) {
    new JvmMemoryMetrics().bindTo(registry);
    new JvmGcMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    if (Files.isReadable(STATUS)) {
      // Weights and cache lie outside of the heap, where the JVM's own figures don't reach.
      Gauge.builder("process.resident.memory", STATUS, MachineMeters::residentBytes)
          .description("Memory of the process that is in RAM, native memory too.")
          .baseUnit("bytes")
          .register(registry);
    }
  }

  /// `VmRSS` of a Linux status file; NaN if it says none.
  static double residentBytes(Path status) {
    try {
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024.0;
        }
      }
    } catch (IOException | NumberFormatException e) {
      return Double.NaN; // A gauge's way to say that it does not know.
    }
    return Double.NaN;
  }
}
