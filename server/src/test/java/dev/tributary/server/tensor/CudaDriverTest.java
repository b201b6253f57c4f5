package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.tensor.CudaDriver.Queue;
import dev.tributary.server.tensor.CudaKernels.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The driver's calls, and what is handed to it asynchronously, on the emulated driver: its streams
/// do nothing before somebody waits for them.
class CudaDriverTest {
  private final CudaDriver driver = EmulatedCuda.driver();

  @AfterEach
  void close() {
    driver.close();
  }

  @Test
  void aDriver_withoutTheFunctions_namesThem() {
    assertThatThrownBy(
            () ->
                new CudaLibrary(
                    name ->
                        name.startsWith("cuMem")
                            ? Optional.empty()
                            : Optional.of(MemorySegment.ofAddress(1))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("cuMemAlloc_v2")
        .hasMessageNotContaining("cuInit")
        .hasMessageContaining("CUDA 12");
  }

  @Test
  void aDevice_isDescribed() {
    assertThat(driver.name()).isEqualTo("emulated on the CPU");
    assertThat(driver.architecture()).isEqualTo("sm_90");
    assertThat(driver.version()).isEqualTo(12080);
    long before = driver.freeMemory();
    DeviceMemory memory = driver.allocate(1 << 20);
    assertThat(driver.freeMemory()).isEqualTo(before - (1 << 20));
    assertThat(read(memory)).containsOnly(0);
  }

  @Test
  void aFailingCall_namesItselfAndTheError() {
    CudaKernels kernels = new CudaKernels(driver, MemorySegment.NULL);
    DeviceMemory x = driver.allocate(64);
    assertThatThrownBy(() -> launch(kernels, 33, x, x, 16))
        .hasMessage("cuLaunchKernel: CUDA_ERROR_INVALID_VALUE");
    assertThatThrownBy(() -> driver.function(MemorySegment.NULL, "nothing"))
        .hasMessage("cuModuleGetFunction: CUDA_ERROR_NOT_FOUND");
    assertThatThrownBy(() -> launch(kernels, 32, x, x, "16"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aKernel_thatWritesOutside_showsAtTheNextWait() {
    CudaKernels kernels = new CudaKernels(driver, MemorySegment.NULL);
    DeviceMemory x = driver.allocate(64);
    DeviceMemory y = driver.allocate(128);
    y.driver().write(Bytes.copyOf(new byte[] {0x60}).segment(), y.address() + 67);
    launch(kernels, 32, x, y, 17);
    assertThatThrownBy(() -> driver.synchronise(Queue.COMPUTE))
        .hasMessage("cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS");
    // Else the emulator would report the border at every later wait.
    MemorySegment.ofAddress(x.address() + x.size()).reinterpret(4).fill((byte) 0x5a);
    driver.synchronise(Queue.COMPUTE);
  }

  @Test
  void staging_manyRounds_sendsEveryPieceAsItWas() {
    CudaStaging staging = new CudaStaging(driver, Queue.COMPUTE, 256);
    List<DeviceMemory> targets = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      DeviceMemory target = driver.allocate(i == 20 ? 1000 : 48);
      targets.add(target);
    }
    for (int i = 0; i < 40; i++) {
      MemorySegment taken = staging.take(targets.get(i).size()).fill((byte) i);
      staging.send(taken, targets.get(i).address());
    }
    for (int i = 0; i < 40; i++) {
      assertThat(read(targets.get(i))).containsOnly(i);
    }
  }

  @Test
  void aCapture_recordsWhatItsOwnThreadLaunches() {
    CudaKernels kernels = new CudaKernels(driver, MemorySegment.NULL);
    DeviceMemory x = driver.allocate(64);
    DeviceMemory one = driver.allocate(64);
    driver.write(Bytes.copyOf(new byte[] {0, 0, (byte) 0x80, 0x3f}).segment(), one.address());
    CudaLaunchList list = new CudaLaunchList();
    list.add(Kernel.ADD, 1, 1, 1, 32, x, one, 16);
    MemorySegment graph =
        driver.capture(
            () -> {
              list.launch(kernels, Queue.CAPTURE);
              // Another thread's work neither fails nor gets into the graph.
              Thread other =
                  new Thread(
                      () -> {
                        driver.claimThread();
                        driver.write(Bytes.allocate(8).segment(), driver.allocate(8).address());
                      });
              other.start();
              join(other);
            });
    list.clear();
    assertThat(read(x)).containsOnly(0);
    driver.launchGraph(graph);
    driver.launchGraph(graph);
    driver.destroyGraph(graph); // what was launched still runs
    assertThat(read(x)).startsWith(0, 0, 0, 0x40, 0); // 1 + 1
    assertThatThrownBy(() -> driver.launchGraph(graph))
        .hasMessage("cuGraphLaunch: CUDA_ERROR_INVALID_VALUE");
  }

  @Test
  void aCapture_inWhichSomethingElseIsCalled_fails() {
    assertThatThrownBy(() -> driver.capture(() -> driver.allocate(8)))
        .hasMessage("cuMemAlloc_v2: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED")
        .satisfies(
            e ->
                assertThat(e.getSuppressed()[0])
                    .hasMessage("cuStreamEndCapture: CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"));
    // The next is none the worse.
    driver.destroyGraph(driver.capture(() -> {}));
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void adapters_moreThanThePoolHolds_areAlwaysThoseAskedFor(boolean eagerCopies) {
    Random random = new Random(1);
    // Nine pages for matrices of one to four.
    try (CudaOps ops = EmulatedCuda.ops(9 * CudaAdapters.PAGE)) {
      if (eagerCopies) {
        EmulatedCuda.makeEager(ops.driver(), Queue.COPY);
      }
      List<LoraSegment.Term> terms = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        int rank = 1 + random.nextInt(16);
        terms.add(
            new LoraSegment.Term(
                Samples.f32(random, rank, 256), Samples.f32(random, rank, 64), 1, 0));
      }
      for (int round = 0; round < 60; round++) {
        LoraSegment segment = segment(List.of(terms.get(random.nextInt(terms.size()))));
        Matrix x = Samples.f32(random, 1, 256);
        Matrix expected = Matrix.allocate(DType.F32, 1, 64);
        Matrix y = ops.allocate(DType.F32, 1, 64);
        Matrix other = ops.allocate(DType.F32, 1, 64);
        Matrix device = EmulatedCuda.toDevice(ops, x);
        // Calls after it take the pages away before its kernels have run.
        ops.lora(device, y, List.of(segment));
        for (int i = 0; i < 6; i++) {
          LoraSegment.Term next = terms.get(random.nextInt(terms.size()));
          ops.lora(device, other, List.of(segment(List.of(next))));
        }
        Ops.reference().lora(x, expected, List.of(segment));
        Samples.assertClose(EmulatedCuda.toHost(ops, y), expected, 1e-5f);
      }
      LoraSegment tooMuch = segment(terms);
      Matrix y = ops.allocate(DType.F32, 1, 64);
      assertThatThrownBy(() -> ops.lora(ops.allocate(DType.F32, 1, 256), y, List.of(tooMuch)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("pool of 36864 bytes");
    }
  }

  @Test
  void adapters_ofMemoryThatWasGivenBack_makeRoomBeforeOthers() {
    Random random = new Random(2);
    // Eight pages, of which each term takes two.
    try (CudaOps ops = EmulatedCuda.ops(8 * CudaAdapters.PAGE);
        Arena closable = Arena.ofShared()) {
      List<LoraSegment.Term> kept = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        kept.add(term(Samples.f32(random, 2, 256), Samples.f32(random, 2, 64)));
      }
      Matrix y = ops.allocate(DType.F32, 1, 64);
      Matrix x = ops.allocate(DType.F32, 1, 256);
      kept.forEach(term -> ops.lora(x, y, List.of(segment(List.of(term)))));
      Arena own = Arena.ofShared();
      LoraSegment.Term closed = term(in(own, 2, 256), in(own, 2, 64));
      ops.lora(x, y, List.of(segment(List.of(closed))));
      assertThat(ops.adapters().pagesInUse()).isEqualTo(8);
      own.close();
      assertThat(ops.adapters().pagesInUse()).isEqualTo(6);
      // The most lately used of all that was there has gone, so none of the others needs to.
      ops.lora(x, y, List.of(segment(List.of(term(in(closable, 2, 256), in(closable, 2, 64))))));
      kept.forEach(term -> assertThat(ops.holds(term.a())).as("%s", term).isTrue());
      assertThat(ops.adapters().pagesInUse()).isEqualTo(8);
    }
  }

  @Test
  void adapters_thatMadeRoomForOthers_areNotHeldAnyMore() {
    Random random = new Random(2);
    try (CudaOps ops = EmulatedCuda.ops(4 * CudaAdapters.PAGE)) {
      List<LoraSegment.Term> terms = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        terms.add(term(Samples.f32(random, 2, 256), Samples.f32(random, 2, 64)));
      }
      Matrix y = ops.allocate(DType.F32, 1, 64);
      Matrix x = ops.allocate(DType.F32, 1, 256);
      assertThat(terms).noneMatch(term -> ops.holds(term.a()) || ops.holds(term.bt()));
      terms.forEach(term -> ops.lora(x, y, List.of(segment(List.of(term)))));
      assertThat(terms).map(term -> ops.holds(term.a())).containsExactly(false, true, true);
      assertThat(terms).map(term -> ops.holds(term.bt())).containsExactly(false, true, true);
    }
  }

  @Test
  void weights_thatAreClosed_giveTheirMemoryBackAtOnce() {
    try (CudaOps ops = EmulatedCuda.ops(1 << 20)) {
      Linear head = ops.pack(Samples.bf16(new Random(3), 64, 128));
      long packed = ops.driver().freeMemory();
      head.close();
      head.close();
      assertThat(ops.driver().freeMemory()).isGreaterThanOrEqualTo(packed + 2 * 64 * 128);
    }
  }

  private static LoraSegment.Term term(Matrix a, Matrix bt) {
    return new LoraSegment.Term(a, bt, 1, 0);
  }

  private static Matrix in(Arena arena, int rows, int cols) {
    Bytes memory = Bytes.of(arena.allocate((long) Float.BYTES * rows * cols));
    return new Matrix(memory, DType.F32, rows, cols);
  }

  /// Adds up in one block.
  private static void launch(CudaKernels kernels, int threads, Object... arguments) {
    CudaLaunchList list = new CudaLaunchList();
    list.add(Kernel.ADD, 1, 1, 1, threads, arguments);
    list.launch(kernels, Queue.COMPUTE);
  }

  @SuppressWarnings("NullAway") // it does not see the component's annotation in a class file
  private static LoraSegment segment(List<LoraSegment.Term> terms) {
    return new LoraSegment(0, 1, terms, null);
  }

  private byte[] read(DeviceMemory memory) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate(memory.size());
      driver.read(memory.address(), host);
      return host.toArray(ValueLayout.JAVA_BYTE);
    }
  }
}
