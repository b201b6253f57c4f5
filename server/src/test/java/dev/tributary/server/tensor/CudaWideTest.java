package dev.tributary.server.tensor;

import static dev.tributary.server.tensor.Samples.bits;
import static dev.tributary.server.tensor.Samples.f32;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.identity.ComputePath;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// What [CudaOps#ready] makes of a library's product that changes a row's bits: fakes, on the
/// emulated GPU.
class CudaWideTest {
  private static final int OUTPUTS = 32;
  private static final int INPUTS = 64;

  /// Adds up in an order that a test chooses.
  private static final class Gemm implements CudaWide.Gemm {
    private final CudaDriver driver;
    private final Order order;
    private final List<Integer> calls = new ArrayList<>();

    interface Order {
      /// First input of a row's sum.
      int first(int rows, int row);
    }

    Gemm(CudaDriver driver, Order order) {
      this.driver = driver;
      this.order = order;
    }

    @Override
    public void multiply(
        DeviceMemory out,
        DeviceMemory x,
        DeviceMemory w,
        int tiles,
        int most,
        int outputs,
        int inputs) {
      driver.synchronise(CudaDriver.Queue.COMPUTE);
      for (int tile = 0; tile < tiles; tile += most) {
        int rows = Math.min(most, tiles - tile) * CudaGemm.TILE;
        calls.add(rows);
        for (int row = 0; row < rows; row++) {
          long at = (long) tile * CudaGemm.TILE + row;
          int first = order.first(rows, row);
          for (int output = 0; output < outputs; output++) {
            float sum = 0;
            for (int k = 0; k < inputs; k++) {
              int input = (first + k) % inputs;
              sum += bf16(x, at * inputs + input) * bf16(w, (long) output * inputs + input);
            }
            memory(out).set(Bytes.SHORT, 2 * (at * outputs + output), Floats.toBf16(sum));
          }
        }
      }
    }

    private static float bf16(DeviceMemory memory, long index) {
      return Floats.fromBf16(memory(memory).get(Bytes.SHORT, 2 * index));
    }

    /// The emulated device's memory is the host's.
    private static MemorySegment memory(DeviceMemory memory) {
      return MemorySegment.ofAddress(memory.address()).reinterpret(memory.size());
    }
  }

  private static CudaOps ops(Gemm gemm) {
    return EmulatedCuda.ops(gemm.driver, gemm, 1 << 20);
  }

  private static Gemm gemm(Gemm.Order order) {
    return new Gemm(EmulatedCuda.driver(), order);
  }

  private static Matrix wide(CudaOps ops, Linear weights, Matrix x) {
    Matrix y = ops.allocate(DType.F32, x.rows(), OUTPUTS);
    ops.linear(EmulatedCuda.toDevice(ops, x), weights, y, 0, ComputePath.WIDE);
    return EmulatedCuda.toHost(ops, y);
  }

  @Test
  void aProduct_thatKeepsARowsBits_isCalledByManyTiles() {
    Gemm gemm = gemm((rows, row) -> 0);
    try (CudaOps ops = ops(gemm)) {
      Random random = new Random(1);
      Linear weights = ops.pack(Samples.int4(random, OUTPUTS, INPUTS));
      ops.ready();
      assertThat(ops.wideFrom()).isBetween(16, 256);
      gemm.calls.clear();
      Matrix x = f32(random, 130, INPUTS);
      Matrix y = wide(ops, weights, x);
      assertThat(gemm.calls).containsExactly(192);
      assertThat(bits(wide(ops, weights, Samples.row(x, 129)), 0)).isEqualTo(bits(y, 129));
      assertThat(ops.numerics()).isEqualTo("emulated");
    }
  }

  @Test
  void aProduct_whoseSumsDependOnTheRows_isCalledByOneTile() {
    Gemm gemm = gemm((rows, row) -> rows == 448 ? 5 : 0);
    try (CudaOps ops = ops(gemm)) {
      Random random = new Random(2);
      Linear weights = ops.pack(Samples.int4(random, OUTPUTS, INPUTS));
      ops.ready();
      gemm.calls.clear();
      Matrix x = f32(random, 448, INPUTS);
      Matrix y = wide(ops, weights, x);
      assertThat(gemm.calls).hasSize(7).containsOnly(64);
      assertThat(bits(wide(ops, weights, Samples.row(x, 447)), 0)).isEqualTo(bits(y, 447));
    }
  }

  @Test
  void aProduct_whoseSumsDependOnThePlace_isNotUsed() {
    Gemm gemm = gemm((rows, row) -> row == 63 ? 5 : 0);
    try (CudaOps ops = ops(gemm)) {
      Random random = new Random(3);
      Linear weights = ops.pack(Samples.int4(random, OUTPUTS, INPUTS));
      ops.ready();
      assertThat(ops.wideFrom()).isEqualTo(Integer.MAX_VALUE);
      assertThat(ops.numerics()).isEqualTo("emulated wide=none");
      gemm.calls.clear();
      Matrix x = f32(random, 2, INPUTS);
      Matrix y = wide(ops, weights, x);
      assertThat(gemm.calls).isEmpty();
      Matrix narrow = ops.allocate(DType.F32, 2, OUTPUTS);
      ops.linear(EmulatedCuda.toDevice(ops, x), weights, narrow, 0, ComputePath.NARROW);
      assertThat(bits(y, 1)).isEqualTo(bits(EmulatedCuda.toHost(ops, narrow), 1));
    }
  }
}
