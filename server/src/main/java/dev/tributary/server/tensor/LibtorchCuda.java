package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/// What a libtorch with CUDA has besides [Libtorch]: its operators for the GPU, which loading the
/// library registers, and the stream that they compute in.
///
/// No machine has run this.
final class LibtorchCuda {
  private static final String CREATE_GUARD = "aoti_torch_create_cuda_stream_guard";
  private static final String DEVICE_TYPE = "aoti_torch_device_type_cuda";

  private final int device;
  private final MethodHandle createGuard;
  private final ThreadLocal<Boolean> guarded = ThreadLocal.withInitial(() -> false);

  /// @throws IllegalStateException naming what the library lacks
  LibtorchCuda(Libtorch libtorch) {
    Path folder = libtorch.folder();
    load(folder, "c10_cuda");
    SymbolLookup cuda = load(folder, "torch_cuda");
    SymbolLookup cpu = load(folder, "torch_cpu");
    try {
      device = (int) bind(cpu, DEVICE_TYPE, FunctionDescriptor.of(JAVA_INT)).invokeExact();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(DEVICE_TYPE, e);
    }
    createGuard =
        bind(cuda, CREATE_GUARD, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));
  }

  /// Whether `folder` holds a libtorch with CUDA.
  static boolean isIn(Path folder) {
    return Files.isRegularFile(folder.resolve(System.mapLibraryName("torch_cuda")));
  }

  /// Its name and size: what distinguishes one build from another.
  static String build(Path folder) {
    try {
      return "torch_cuda/" + Files.size(folder.resolve(System.mapLibraryName("torch_cuda")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static SymbolLookup load(Path folder, String library) {
    Path file = folder.resolve(System.mapLibraryName(library));
    try {
      return SymbolLookup.libraryLookup(file, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new IllegalStateException(
          file + " cannot be loaded: are the CUDA libraries that it was built with there?", e);
    }
  }

  private static MethodHandle bind(SymbolLookup symbols, String name, FunctionDescriptor type) {
    MemorySegment address =
        symbols
            .find(name)
            .orElseThrow(
                () -> new IllegalStateException("libtorch lacks " + name + ": 2.7 is needed"));
    return Linker.nativeLinker().downcallHandle(address, type);
  }

  /// libtorch's number for memory of a GPU.
  int device() {
    return device;
  }

  /// Makes libtorch compute in `stream` of the first GPU, for as long as the calling thread lives.
  void computeIn(MemorySegment stream) {
    if (guarded.get()) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      if ((int) createGuard.invokeExact(stream, 0, arena.allocate(ADDRESS)) != 0) {
        throw new IllegalStateException(
            CREATE_GUARD + " failed; libtorch wrote the reason to standard error");
      }
      guarded.set(true);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(CREATE_GUARD, e);
    }
  }
}
