package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The kernels in NVIDIA's own compiler, which needs no GPU. `TRIBUTARY_TEST_NVRTC` is the path of
/// its libnvrtc.so; `.ci/fetch-nvrtc.sh` fetches one.
class NvrtcTest {
  /// The compiler under test, or an assumption that fails.
  static Nvrtc nvrtc() {
    String library = System.getenv("TRIBUTARY_TEST_NVRTC");
    assumeTrue(library != null, "TRIBUTARY_TEST_NVRTC names no libnvrtc.so");
    return Nvrtc.open(Path.of(library));
  }

  @ParameterizedTest
  @ValueSource(strings = {"sm_70", "sm_80", "sm_90"})
  void kernels_everyArchitecture_compile(String architecture) {
    byte[] image = nvrtc().compile(CudaKernels.source(), architecture);
    String text = new String(image, StandardCharsets.ISO_8859_1);
    assertThat(text).startsWith("\u007fELF");
    for (CudaKernels.Kernel kernel : CudaKernels.Kernel.values()) {
      assertThat(text).contains("\0.text." + kernel.symbol() + "\0");
    }
  }

  @Test
  void aBrokenKernel_isReportedByFileAndLine() {
    Nvrtc nvrtc = nvrtc();
    assertThatThrownBy(
            () -> nvrtc.compile(CudaKernels.source() + "#line 7 \"x.cu\"\nbroken;\n", "sm_90"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("for sm_90")
        .hasMessageContaining("x.cu(7)");
  }

  @Test
  void anArchitecture_thatItDoesNotKnow_isRefused() {
    Nvrtc nvrtc = nvrtc();
    assertThatThrownBy(() -> nvrtc.compile(CudaKernels.source(), "sm_10"))
        .hasMessageContaining("sm_10")
        .hasMessageContaining("NVRTC " + nvrtc.version());
  }

  @Test
  void find_besideTorchAsPipLaysItOut_takesItsLibrary(@TempDir Path site) throws Exception {
    Path torch = Files.createDirectories(site.resolve("torch/lib"));
    Path folder = Files.createDirectories(site.resolve("nvidia/cuda_nvrtc/lib"));
    Files.createFile(folder.resolve("libnvrtc-builtins.so.12.8"));
    Path library = Files.createFile(folder.resolve("libnvrtc.so.12"));
    // It is empty, so opening it fails; the message says which was opened.
    assertThatThrownBy(() -> Nvrtc.find(torch))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(library.toString());
  }

  @Test
  void find_withoutAny_saysWhereItLooked(@TempDir Path folder) {
    assertThatThrownBy(() -> Nvrtc.find(folder, List.of("libnvrtc-of-no-system.so")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContaining("libnvrtc-of-no-system.so")
        .hasMessageContaining("install it");
  }
}
