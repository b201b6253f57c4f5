package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A CUDA driver on the CPU: the kernels' own sources, compiled as C++ by g++ together with
/// `emulated_device.h` (blocks of fibers) and `emulated_driver.h` (the driver's functions, as lazy
/// as they may be). Tests that ask for it are skipped where there is no g++.
public final class EmulatedCuda {
  private static final List<String> COMPILE =
      List.of(
          "g++",
          "-std=c++17",
          "-O2",
          "-march=native",
          "-ffp-contract=off",
          "-U_FORTIFY_SOURCE",
          "-Wall",
          "-Werror",
          "-Wno-unknown-pragmas",
          "-fPIC",
          "-shared",
          "-pthread");

  private static @Nullable SymbolLookup library;

  private EmulatedCuda() {}

  /// The emulated GPU with libtorch's GEMM of the CPU for the wide path.
  public static Ops ops() {
    return ops(64 << 20);
  }

  /// @param adapterBytes size of the adapters' pool
  static CudaOps ops(long adapterBytes) {
    CudaDriver driver = driver();
    Libtorch libtorch = Libtorch.bundled();
    CudaGemm gemm =
        new CudaGemm(
            libtorch,
            Libtorch.CPU,
            () -> {
              libtorch.claimThread();
              driver.synchronise(CudaDriver.Queue.COMPUTE);
            });
    return ops(driver, gemm, adapterBytes);
  }

  /// @param gemm of the wide path
  static CudaOps ops(CudaDriver driver, CudaWide.Gemm gemm, long adapterBytes) {
    CudaKernels kernels = new CudaKernels(driver, MemorySegment.NULL);
    return new CudaOps(driver, kernels, gemm, "emulated", adapterBytes);
  }

  static CudaDriver driver() {
    return new CudaDriver(library());
  }

  /// Launches and graphs of all emulated GPUs so far.
  ///
  /// @param kernels launched one by one, or captured
  /// @param graphs launched
  /// @param held graphs that can be launched
  public record Counts(long kernels, long graphs, long held) {
    Counts since(Counts before) {
      return new Counts(kernels - before.kernels, graphs - before.graphs, held - before.held);
    }
  }

  /// Counted up to now.
  public static Counts counts() {
    MemorySegment counts =
        library().findOrThrow("emulated_counts").reinterpret(3 * JAVA_LONG.byteSize());
    return new Counts(
        counts.getAtIndex(JAVA_LONG, 0),
        counts.getAtIndex(JAVA_LONG, 1),
        counts.getAtIndex(JAVA_LONG, 2));
  }

  /// Lets the next `count` captures fail.
  public static void failCaptures(int count) {
    MemorySegment function = library().findOrThrow("emulated_fail_captures");
    try {
      int code =
          (int)
              Linker.nativeLinker()
                  .downcallHandle(function, FunctionDescriptor.of(JAVA_INT, JAVA_INT))
                  .invokeExact(count);
      assertThat(code).isZero();
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /// Lets a queue's work be done as soon as it is asked for, not as late as it may be.
  static void makeEager(CudaDriver driver, CudaDriver.Queue queue) {
    MemorySegment function = library().findOrThrow("emulated_eager");
    try {
      int code =
          (int)
              Linker.nativeLinker()
                  .downcallHandle(function, FunctionDescriptor.of(JAVA_INT, ADDRESS))
                  .invokeExact(driver.stream(queue));
      assertThat(code).isZero();
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /// A copy of `host` in the memory of `ops`.
  static Matrix toDevice(Ops ops, Matrix host) {
    Matrix device = ops.allocate(host.type(), host.rows(), host.cols());
    ((CudaOps) ops).driver().write(host.data().segment(), device.data().address());
    return device;
  }

  /// A copy of `device` in the host's memory.
  static Matrix toHost(Ops ops, Matrix device) {
    Matrix host = Matrix.allocate(device.type(), device.rows(), device.cols());
    ((CudaOps) ops).driver().read(device.data().address(), host.data().segment());
    return host;
  }

  /// The emulated libcuda.
  static synchronized SymbolLookup library() {
    if (library == null) {
      library = SymbolLookup.libraryLookup(compile(), Arena.global());
    }
    return library;
  }

  private static boolean hasCompiler() {
    try {
      run(List.of("g++", "--version"));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static Path compile() {
    try {
      Path folder = Files.createDirectories(Path.of("target/emulated-cuda"));
      List<String> files = new ArrayList<>(CudaKernels.FILES);
      for (String file : CudaKernels.FILES) {
        Files.writeString(folder.resolve(file), CudaKernels.source(file));
      }
      for (String file : List.of("emulated_device.h", "emulated_driver.h")) {
        try (InputStream in = EmulatedCuda.class.getResourceAsStream("cuda/" + file)) {
          Files.write(folder.resolve(file), in.readAllBytes());
        }
      }
      files.addFirst("emulated_device.h");
      Path program = Files.writeString(folder.resolve("emulated.cpp"), program(files));
      Path result = folder.resolve("libcuda_emulated.so").toAbsolutePath();
      compile(program, result);
      return result;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Makes a library of a C++ program.
  static void compile(Path program, Path result) throws IOException {
    assumeTrue(hasCompiler(), "no g++: nothing of CUDA is emulated");
    List<String> command = new ArrayList<>(COMPILE);
    command.addAll(List.of(program.toString(), "-o", result.toString()));
    run(command);
  }

  /// All sources as one, with a table of the kernels by name.
  private static String program(List<String> files) {
    StringBuilder text = new StringBuilder();
    files.forEach(file -> text.append("#include \"").append(file).append("\"\n"));
    text.append("namespace emulated {\n");
    text.append("struct Kernel { std::string name; std::function<void()> (*bind)(void**); };\n");
    text.append("static const Kernel KERNELS[] = {\n");
    for (CudaKernels.Kernel kernel : CudaKernels.Kernel.values()) {
      text.append(
          "  {\"%1$s\", [](void** a) { return bound(%1$s, a); }},\n".formatted(kernel.symbol()));
    }
    return text.append("};\n}\n#include \"emulated_driver.h\"\n").toString();
  }

  private static void run(List<String> command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IllegalStateException(String.join(" ", command) + "\n" + output);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
