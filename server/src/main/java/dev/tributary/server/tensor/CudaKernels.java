package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
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

  /// Launches `x * y * z` blocks of `threads` threads, after all that was launched before.
  ///
  /// @param arguments in the kernel's order: ints, longs, floats, and memory of the device
  void launch(Kernel kernel, int x, int y, int z, int threads, Object... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment addresses = arena.allocate(JAVA_LONG, arguments.length);
      for (int i = 0; i < arguments.length; i++) {
        addresses.setAtIndex(JAVA_LONG, i, place(arguments[i], arena).address());
      }
      driver.launch(functions[kernel.ordinal()], x, y, z, threads, addresses);
    }
    // Until the launch the driver knows only addresses; freeing waits for what was launched.
    for (Object argument : arguments) {
      Reference.reachabilityFence(argument);
    }
  }

  private static MemorySegment place(Object argument, Arena arena) {
    return switch (argument) {
      case Integer value -> arena.allocateFrom(JAVA_INT, value);
      case Float value -> arena.allocateFrom(JAVA_FLOAT, value);
      case Long value -> arena.allocateFrom(JAVA_LONG, value);
      case Matrix matrix -> arena.allocateFrom(JAVA_LONG, matrix.data().address());
      case Bytes bytes -> arena.allocateFrom(JAVA_LONG, bytes.address());
      case DeviceMemory memory -> arena.allocateFrom(JAVA_LONG, memory.address());
      default -> throw new IllegalArgumentException("not an argument: " + argument);
    };
  }
}
