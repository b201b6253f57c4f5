package dev.tributary.server.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// The CPU that kernels run on.
///
/// @param name as the system calls it
/// @param features those that change which instructions libtorch and our kernels use, sorted
public record Processor(String name, List<String> features) {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  private static final List<String> TELLING =
      List.of(
          "amx_bf16",
          "amx_int8",
          "amx_tile",
          "asimd",
          "asimddp",
          "avx",
          "avx2",
          "avx512_bf16",
          "avx512_vnni",
          "avx512bw",
          "avx512dq",
          "avx512f",
          "avx512vl",
          "bf16",
          "f16c",
          "fma",
          "i8mm",
          "sve");

  public Processor {
    features = List.copyOf(features);
  }

  /// This machine's; elsewhere than on Linux only the architecture is known.
  public static Processor current() {
    String name = System.getProperty("os.arch");
    List<String> features = List.of();
    if (Files.isReadable(CPU_INFO)) {
      try {
        for (String line : Files.readAllLines(CPU_INFO)) {
          String value = line.substring(line.indexOf(':') + 1).strip();
          if (line.startsWith("model name")) {
            name = value;
          } else if (line.startsWith("flags") || line.startsWith("Features")) {
            features = Arrays.stream(value.split(" ")).filter(TELLING::contains).sorted().toList();
            break;
          }
        }
      } catch (IOException e) {
        return new Processor(name, List.of()); // vanished while it was read: as elsewhere
      }
    }
    return new Processor(name, features);
  }
}
