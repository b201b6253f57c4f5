package dev.tributary.server.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/// Finds the GPU, its driver, a compiler and libtorch, and makes [CudaOps] of them.
final class Cuda {
  /// Of an ELF file's tables, and more.
  private static final long IMAGE_ALIGNMENT = 16;

  private Cuda() {}

  /// The name of the first GPU, if there is one that can be used.
  static Optional<String> present() {
    return CudaLibrary.ofSystem().flatMap(Cuda::name);
  }

  private static Optional<String> name(SymbolLookup symbols) {
    try {
      CudaLibrary library = new CudaLibrary(symbols);
      return Optional.of(library.name(library.firstDevice()));
    } catch (IllegalStateException e) {
      return Optional.empty(); // too old, or a driver without a GPU
    }
  }

  /// @param libtorch folder of an installed libtorch, or null
  static CudaOps open(@Nullable Path libtorch, long adapterBytes) {
    SymbolLookup symbols =
        CudaLibrary.ofSystem()
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "no NVIDIA driver (libcuda.so.1) on this machine: install it"));
    return open(symbols, Nvrtc.find(libtorch), libtorch, adapterBytes);
  }

  static CudaOps open(
      SymbolLookup symbols, Nvrtc compiler, @Nullable Path libtorch, long adapterBytes) {
    CudaDriver driver = new CudaDriver(symbols);
    byte[] image = compiler.compile(CudaKernels.source(), driver.architecture());
    CudaKernels kernels = kernels(driver, image);
    CudaGemm gemm = libtorch != null && LibtorchCuda.isIn(libtorch) ? gemm(driver, libtorch) : null;
    CRC32 program = new CRC32();
    program.update(CudaKernels.source().getBytes(StandardCharsets.UTF_8));
    String numerics =
        String.join(
            " ",
            "cuda",
            driver.name(),
            driver.architecture(),
            "driver=" + driver.version(),
            "nvrtc=" + compiler.version(),
            "kernels=" + Long.toHexString(program.getValue()),
            gemm == null || libtorch == null ? "no libtorch" : LibtorchCuda.build(libtorch));
    return new CudaOps(driver, kernels, gemm, numerics, adapterBytes);
  }

  private static CudaKernels kernels(CudaDriver driver, byte[] image) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment code = arena.allocate(image.length, IMAGE_ALIGNMENT);
      return new CudaKernels(driver, code.copyFrom(MemorySegment.ofArray(image)));
    }
  }

  private static CudaGemm gemm(CudaDriver driver, Path folder) {
    Libtorch libtorch = Libtorch.open(folder);
    LibtorchCuda cuda = new LibtorchCuda(libtorch);
    return new CudaGemm(
        libtorch,
        cuda.device(),
        () -> {
          libtorch.claimThread();
          cuda.computeIn(driver.stream(CudaDriver.Queue.COMPUTE));
        });
  }
}
