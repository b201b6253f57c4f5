package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// NVIDIA's run-time compiler of CUDA C, version 12 or later. It needs no GPU.
final class Nvrtc {
  /// Every operation as written, rounded as IEEE says: what a kernel's sums promise.
  private static final List<String> OPTIONS =
      List.of("--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true");

  private static final List<String> SYSTEM_NAMES =
      List.of("libnvrtc.so.12", "libnvrtc.so.13", "libnvrtc.so");

  /// Where pip's wheels put it, seen from the `torch/lib` beside them.
  private static final List<String> BESIDE_TORCH =
      List.of("", "../../nvidia/cuda_nvrtc/lib", "../../nvidia/cu13/lib");

  private final SymbolLookup symbols;
  private final List<String> missing = new ArrayList<>();
  private final MethodHandle version;
  private final MethodHandle createProgram;
  private final MethodHandle compileProgram;
  private final MethodHandle logSize;
  private final MethodHandle log;
  private final MethodHandle imageSize;
  private final MethodHandle image;
  private final MethodHandle destroyProgram;

  private Nvrtc(SymbolLookup symbols, String where) {
    this.symbols = symbols;
    version = bind("nvrtcVersion", ADDRESS, ADDRESS);
    createProgram =
        bind("nvrtcCreateProgram", ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    compileProgram = bind("nvrtcCompileProgram", ADDRESS, JAVA_INT, ADDRESS);
    logSize = bind("nvrtcGetProgramLogSize", ADDRESS, ADDRESS);
    log = bind("nvrtcGetProgramLog", ADDRESS, ADDRESS);
    imageSize = bind("nvrtcGetCUBINSize", ADDRESS, ADDRESS);
    image = bind("nvrtcGetCUBIN", ADDRESS, ADDRESS);
    destroyProgram = bind("nvrtcDestroyProgram", ADDRESS);
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          "NVRTC " + where + " lacks " + String.join(", ", missing) + ": version 12 is needed");
    }
  }

  /// The library beside libtorch, else the system's.
  ///
  /// @param libtorch folder of an installed libtorch, or null
  /// @throws IllegalStateException if there is none
  static Nvrtc find(@Nullable Path libtorch) {
    return find(libtorch, SYSTEM_NAMES);
  }

  static Nvrtc find(@Nullable Path libtorch, List<String> systemNames) {
    List<String> tried = new ArrayList<>();
    if (libtorch != null) {
      for (String place : BESIDE_TORCH) {
        Path folder = libtorch.resolve(place).normalize();
        List<Path> found = libraries(folder);
        if (!found.isEmpty()) {
          return open(found.getFirst());
        }
        tried.add(folder.toString());
      }
    }
    for (String name : systemNames) {
      try {
        return new Nvrtc(SymbolLookup.libraryLookup(name, Arena.global()), name);
      } catch (IllegalArgumentException e) {
        tried.add(name); // it isn't there
      }
    }
    throw new IllegalStateException(
        "no NVRTC, NVIDIA's run-time compiler, in "
            + String.join(", ", tried)
            + ": install it (pip's nvidia-cuda-nvrtc-cu12 beside torch, or the CUDA toolkit)");
  }

  private static List<Path> libraries(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().matches("libnvrtc(-[0-9a-f]+)?\\.so.*"))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The library in `file`.
  static Nvrtc open(Path file) {
    try {
      return new Nvrtc(SymbolLookup.libraryLookup(file, Arena.global()), "in " + file);
    } catch (IllegalArgumentException e) {
      throw new IllegalStateException(file + " cannot be loaded", e);
    }
  }

  /// Such as `12.8`.
  String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment numbers = arena.allocate(JAVA_INT, 2);
      check("nvrtcVersion", (int) version.invokeExact(numbers, numbers.asSlice(4)));
      return numbers.get(JAVA_INT, 0) + "." + numbers.get(JAVA_INT, 4);
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  /// Compiles a program to machine code.
  ///
  /// @param architecture such as `sm_90`
  /// @throws IllegalStateException with the compiler's messages
  byte[] compile(String source, String architecture) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment holder = arena.allocate(ADDRESS);
      MemorySegment none = MemorySegment.NULL;
      check(
          "nvrtcCreateProgram",
          (int)
              createProgram.invokeExact(
                  holder,
                  arena.allocateFrom(source),
                  arena.allocateFrom("kernels"),
                  0,
                  none,
                  none));
      MemorySegment program = holder.get(ADDRESS, 0);
      try {
        return compile(program, architecture, arena);
      } finally {
        check("nvrtcDestroyProgram", (int) destroyProgram.invokeExact(holder));
      }
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  private byte[] compile(MemorySegment program, String architecture, Arena arena) throws Throwable {
    List<String> options = new ArrayList<>(OPTIONS);
    options.add("--gpu-architecture=" + architecture);
    MemorySegment texts = arena.allocate(ADDRESS, options.size());
    for (int i = 0; i < options.size(); i++) {
      texts.setAtIndex(ADDRESS, i, arena.allocateFrom(options.get(i)));
    }
    if ((int) compileProgram.invokeExact(program, options.size(), texts) != 0) {
      throw new IllegalStateException(
          "NVRTC "
              + version()
              + " could not compile the kernels for "
              + architecture
              + ":\n"
              + new String(read(program, logSize, log, arena), StandardCharsets.UTF_8)
                  .replace("\0", ""));
    }
    return read(program, imageSize, image, arena);
  }

  private static byte[] read(
      MemorySegment program, MethodHandle size, MethodHandle content, Arena arena)
      throws Throwable {
    MemorySegment length = arena.allocate(JAVA_LONG);
    check("NVRTC's size", (int) size.invokeExact(program, length));
    MemorySegment bytes = arena.allocate(length.get(JAVA_LONG, 0));
    check("NVRTC's result", (int) content.invokeExact(program, bytes));
    return bytes.toArray(JAVA_BYTE);
  }

  private MethodHandle bind(String name, MemoryLayout... arguments) {
    FunctionDescriptor type = FunctionDescriptor.of(JAVA_INT, arguments);
    return symbols
        .find(name)
        .map(address -> Linker.nativeLinker().downcallHandle(address, type))
        .orElseGet(
            () -> {
              missing.add(name);
              return Linker.nativeLinker().downcallHandle(type);
            });
  }

  private static void check(String what, int code) {
    if (code != 0) {
      throw new IllegalStateException(what + ": NVRTC error " + code);
    }
  }

  private static RuntimeException failed(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return e instanceof RuntimeException runtime
        ? runtime
        : new IllegalStateException("calling NVRTC", e);
  }
}
