package dev.tributary.server.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/// How much memory a process holds over time. Not thread safe.
final class ResidentMemory {
  private final OptionalLong process;
  private final List<Long> bytes = new ArrayList<>();

  /// @param process its id; without one nothing is known
  ResidentMemory(OptionalLong process) {
    this.process = process;
  }

  /// What the process holds now, kept as the next sample; 0 where the system does not say.
  long sample() {
    if (process.isEmpty()) {
      return 0;
    }
    Path status = Path.of("/proc", Long.toString(process.getAsLong()), "status");
    try {
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith("VmRSS:")) {
          long now = Long.parseLong(line.replaceAll("\\D", "")) * 1024;
          bytes.add(now);
          return now;
        }
      }
    } catch (IOException e) {
      return 0; // the process ended, or this is not Linux
    }
    return 0;
  }

  /// Most that this process ever held, in bytes; 0 where the system does not say.
  static long peak() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return 0;
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
        .findFirst()
        .orElse(0);
  }

  /// All zero without samples.
  Growth growth() {
    if (bytes.isEmpty()) {
      return new Growth(0, 0, 0, 0);
    }
    return new Growth(
        bytes.getFirst(),
        bytes.get(bytes.size() / 2),
        bytes.getLast(),
        bytes.stream().mapToLong(Long::longValue).max().orElse(0));
  }

  /// In bytes, over the measured time.
  record Growth(long start, long middle, long end, long most) {}
}
