package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// How a libtorch with CUDA is bound, on the bundled libtorch beside an empty `libtorch_cuda`.
class LibtorchCudaTest {
  private static final String GUARD =
      """
      long calls[3];
      extern "C" int aoti_torch_create_cuda_stream_guard(void* stream, int device, void** guard) {
        calls[0]++;
        calls[1] = (long)stream;
        calls[2] = device;
        *guard = calls;
        return stream ? 0 : 1;
      }
      """;

  private static Libtorch libtorch(Path folder) throws IOException {
    String name = System.mapLibraryName("torch_cpu");
    Files.createSymbolicLink(
        folder.resolve(name), Libtorch.bundled().folder().resolve(name).toAbsolutePath());
    return Libtorch.open(folder);
  }

  private static void library(Path folder, String name, String source) throws IOException {
    Path file = Files.writeString(folder.resolve(name + ".cpp"), source);
    EmulatedCuda.compile(file, folder.resolve(System.mapLibraryName(name)));
  }

  @Test
  void computeIn_onEveryThread_guardsTheStreamOnce(@TempDir Path folder) throws Exception {
    Libtorch libtorch = libtorch(folder);
    library(folder, "c10_cuda", "");
    library(folder, "torch_cuda", GUARD);
    assertThat(LibtorchCuda.isIn(folder)).isTrue();
    assertThat(LibtorchCuda.build(folder)).startsWith("torch_cuda/");
    LibtorchCuda cuda = new LibtorchCuda(libtorch);
    assertThat(cuda.device()).isEqualTo(1); // c10::DeviceType::CUDA
    MemorySegment stream = MemorySegment.ofAddress(4711);
    cuda.computeIn(stream);
    cuda.computeIn(stream);
    Thread other = new Thread(() -> cuda.computeIn(stream));
    other.start();
    other.join();
    MemorySegment calls =
        SymbolLookup.libraryLookup(
                folder.resolve(System.mapLibraryName("torch_cuda")), Arena.global())
            .findOrThrow("calls")
            .reinterpret(3 * JAVA_LONG.byteSize());
    assertThat(calls.toArray(JAVA_LONG)).containsExactly(2, 4711, 0);
  }

  /// All of the start but the driver is real: NVRTC compiles for what the emulated device says it
  /// is.
  @Test
  void open_withAndWithoutLibtorch_hasAWidePathOrNot(@TempDir Path folder) throws IOException {
    Nvrtc nvrtc = NvrtcTest.nvrtc();
    libtorch(folder);
    try (Ops ops = Cuda.open(EmulatedCuda.library(), nvrtc, folder, 1 << 20)) {
      assertThat(ops.wideFrom()).isEqualTo(Integer.MAX_VALUE);
      assertThat(ops.numerics())
          .startsWith("cuda emulated on the CPU sm_90 driver=12080 nvrtc=" + nvrtc.version())
          .endsWith("no libtorch");
    }
    library(folder, "c10_cuda", "");
    library(folder, "torch_cuda", GUARD);
    try (Ops ops = Cuda.open(EmulatedCuda.library(), nvrtc, folder, 1 << 20)) {
      assertThat(ops.wideFrom()).isEqualTo(CudaGemm.TILE);
      assertThat(ops.numerics()).contains("torch_cuda/");
      assertThat(ops.freeMemory()).isPresent();
    }
  }

  @Test
  void aLibrary_withoutTheFunction_isNamed(@TempDir Path folder) throws IOException {
    Libtorch libtorch = libtorch(folder);
    assertThat(LibtorchCuda.isIn(folder)).isFalse();
    assertThatThrownBy(() -> new LibtorchCuda(libtorch))
        .hasMessageContaining("c10_cuda")
        .hasMessageContaining("cannot be loaded");
    library(folder, "c10_cuda", "");
    library(folder, "torch_cuda", "");
    assertThatThrownBy(() -> new LibtorchCuda(libtorch))
        .hasMessageContaining("lacks aoti_torch_create_cuda_stream_guard");
  }
}
