package dev.tributary.server.tensor;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/// Our kernels in CUDA C (resources beside this class), found in a loaded module.
final class CudaKernels {
  /// Names are those of the sources, in lower case.
  enum Kernel {
    RMS_NORM,
    SWIGLU,
    ADD,
    ADD_BIAS,
    NARROW,
    WIDEN,
    PRODUCT_1,
    PRODUCT_8,
    EMBED,
    DEQUANTISE,
    ROTATE_AND_STORE,
    ATTEND_PART,
    ATTEND_JOIN,
    LORA_DOWN,
    LORA_UP;

    String symbol() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /// In the order in which they are compiled, as one program.
  static final List<String> FILES =
      List.of("base.cu", "elements.cu", "products.cu", "attention.cu", "lora.cu");

  private final CudaDriver driver;

  /// By the kernels' ordinals.
  private final MemorySegment[] functions = new MemorySegment[Kernel.values().length];

  /// @param image what a compiler made of [#source]
  CudaKernels(CudaDriver driver, MemorySegment image) {
    this.driver = driver;
    MemorySegment module = driver.load(image);
    for (Kernel kernel : Kernel.values()) {
      functions[kernel.ordinal()] = driver.function(module, kernel.symbol());
    }
  }

  /// The program; a compiler's messages name its files.
  static String source() {
    StringBuilder program = new StringBuilder();
    for (String file : FILES) {
      program.append("#line 1 \"").append(file).append("\"\n").append(source(file));
    }
    return program.toString();
  }

  /// @param file of [#FILES]
  static String source(String file) {
    try (InputStream in = CudaKernels.class.getResourceAsStream("cuda/" + file)) {
      if (in == null) {
        throw new IllegalStateException(file + " is not in the program");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Launches `x * y * z` blocks of `threads` threads, after all that is in `queue`.
  ///
  /// @param kernel ordinal
  /// @param addresses of the arguments; free again when this returns
  void launch(
      CudaDriver.Queue queue,
      int kernel,
      int x,
      int y,
      int z,
      int threads,
      MemorySegment addresses) {
    driver.launch(queue, functions[kernel], x, y, z, threads, addresses);
  }
}
