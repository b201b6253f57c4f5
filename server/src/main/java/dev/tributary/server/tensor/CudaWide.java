package dev.tributary.server.tensor;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.tensor.CudaDriver.Queue;
import dev.tributary.server.tensor.CudaKernels.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The wide path on the device: weights dequantised to bfloat16 and libtorch's GEMM, and how it may
/// be called.
///
/// cuBLAS promises nothing about a row's bits: by the shape of the whole product it chooses an
/// algorithm, and with that the order of the sums. So products are of whole tiles of
/// [CudaGemm#TILE] rows, the last one filled up, and at load one row of each shape is multiplied
/// with every number of tiles that a call may have, at several places and in two companies. Where
/// its bits ever differ, a call has one tile; where they do within one tile, there is no wide path.
///
/// No GPU has run this: on the emulated one the GEMM is libtorch's of the CPU.
final class CudaWide {
  private static final Logger log = LoggerFactory.getLogger(CudaWide.class);

  /// Inputs that a thread of dequantise widens.
  private static final int EIGHT = 8;

  private static final int BLOCK = 128;
  private static final int TILE = CudaGemm.TILE;

  /// Most tiles a call.
  static final int MOST_TILES = 8;

  /// Widths at which both paths are timed.
  private static final int[] WIDTHS = {16, 32, 64, 128};

  private static final int SWEEPS = 3;

  /// Weights that a sweep takes at most: enough to leave the cache.
  private static final long SWEEP_BYTES = 256L << 20;

  /// What choosing the weights of a sweep may take; no GPU takes it for one product.
  private static final long CHOICE_NANOS = 30_000_000;

  private final CudaDriver driver;
  private final CudaStep step;
  private final Gemm gemm;
  private final List<CudaLinear> weights = new ArrayList<>();

  /// Tiles a call, of the shapes that were checked; one of any other.
  private final Map<Shape, Integer> tiles = new HashMap<>();

  private final CudaScratch wideWeights;
  private final CudaScratch wideIn;
  private final CudaScratch wideOut;
  private boolean there = true;
  private int from = TILE;

  /// [CudaGemm], or a fake in tests of what it may do to a row's bits.
  interface Gemm {
    /// `out = x Wᵀ`, all bfloat16 on the device.
    ///
    /// @param out `[tiles * TILE, outputs]`
    /// @param x `[tiles * TILE, inputs]`
    /// @param w `[outputs, inputs]`
    /// @param most tiles that are multiplied at once
    void multiply(
        DeviceMemory out,
        DeviceMemory x,
        DeviceMemory w,
        int tiles,
        int most,
        int outputs,
        int inputs);
  }

  /// Of a layer's weights.
  private record Shape(int outputs, int inputs) {}

  CudaWide(CudaDriver driver, CudaStep step, Gemm gemm) {
    this.driver = driver;
    this.step = step;
    this.gemm = gemm;
    wideWeights = new CudaScratch(driver);
    wideIn = new CudaScratch(driver);
    wideOut = new CudaScratch(driver);
  }

  /// Weights that will be multiplied; loaders pack in parallel.
  synchronized void add(CudaLinear linear) {
    if (linear.fourBits()) {
      weights.add(linear);
    }
  }

  boolean takes(CudaLinear linear) {
    return there && linear.fourBits();
  }

  /// Rows from which on the path is the faster.
  int from() {
    return there ? from : Integer.MAX_VALUE;
  }

  private static Shape shape(CudaLinear linear) {
    return new Shape(linear.outputs(), linear.inputs());
  }

  void multiply(Matrix x, CudaLinear linear, Matrix y, int column) {
    int outputs = linear.outputs();
    int inputs = linear.inputs();
    int count = Math.ceilDiv(x.rows(), TILE);
    DeviceMemory w = wideWeights.of(2L * outputs * inputs);
    DeviceMemory in = wideIn.of(2L * count * TILE * inputs);
    DeviceMemory out = wideOut.of(2L * count * TILE * outputs);
    step.launch(
        Kernel.DEQUANTISE,
        outputs,
        Math.ceilDiv(inputs, EIGHT * BLOCK),
        1,
        BLOCK,
        linear.held().ordinal(),
        linear.codes(),
        linear.parameters(),
        inputs,
        w);
    elements(Kernel.NARROW, x.rows(), inputs, x, inputs, in);
    step.flush();
    gemm.multiply(out, in, w, count, tiles.getOrDefault(shape(linear), 1), outputs, inputs);
    elements(Kernel.WIDEN, x.rows(), outputs, out, outputs, y, y.cols(), column);
  }

  /// Launches a kernel of a thread an element.
  private void elements(Kernel kernel, int rows, int columns, Object... arguments) {
    step.launch(kernel, Math.ceilDiv(columns, BLOCK), rows, 1, BLOCK, arguments);
  }

  /// Checks every shape, then measures. For [CudaOps#ready].
  synchronized void measure(CudaOps ops) {
    for (CudaLinear linear : weights) {
      Shape shape = shape(linear);
      if (tiles.containsKey(shape)) {
        continue;
      }
      int most = tilesThatKeepBits(shape);
      if (most == 0) {
        there = false;
        log.warn(
            "a row's bits depend on its company in libtorch's product {}: no wide path", shape);
        return;
      }
      if (most < MOST_TILES) {
        log.info("libtorch's product {} is called by {} rows", shape, TILE);
      }
      tiles.put(shape, most);
    }
    if (!weights.isEmpty()) {
      from = crossover(ops);
    }
    weights.clear();
  }

  /// [#MOST_TILES] if a row's bits are the same with any number of tiles up to that; 1 if within
  /// one; else 0.
  private int tilesThatKeepBits(Shape shape) {
    int inputs = shape.inputs();
    Random random = new Random(inputs);
    DeviceMemory w = cancelling(random, shape);
    short[] probe = opposite(random(random, inputs));
    short[] expected = null;
    for (int count = 1; count <= MOST_TILES; count++) {
      int rows = count * TILE;
      int[] places = {0, 7, rows / 2 + 1, rows - 1};
      short[] others = random(random, rows * inputs);
      for (short[] company : List.of(others, new short[others.length])) {
        for (int place : places) {
          System.arraycopy(probe, 0, company, place * inputs, inputs);
        }
        short[] products = product(company, w, count, shape);
        for (int place : places) {
          short[] row =
              Arrays.copyOfRange(products, place * shape.outputs(), (place + 1) * shape.outputs());
          if (expected == null) {
            expected = row;
          } else if (!Arrays.equals(expected, row)) {
            return count == 1 ? 0 : 1;
          }
        }
      }
    }
    return MOST_TILES;
  }

  /// Weights whose halves are alike, so that [#opposite] inputs leave only what the sums round
  /// away: that hangs on their order, and bfloat16 does not hide it.
  private DeviceMemory cancelling(Random random, Shape shape) {
    DeviceMemory w = wideWeights.of(2L * shape.outputs() * shape.inputs());
    short[] rows = new short[Math.min(TILE, shape.outputs()) * shape.inputs()];
    int half = shape.inputs() / 2;
    for (int at = 0; at < rows.length; at += shape.inputs()) {
      short[] values = random(random, half);
      System.arraycopy(values, 0, rows, at, half);
      System.arraycopy(values, 0, rows, at + half, half);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment block = arena.allocateFrom(Bytes.SHORT, rows);
      for (long at = 0; at < w.size(); at += block.byteSize()) {
        driver.write(block.asSlice(0, Math.min(block.byteSize(), w.size() - at)), w.address() + at);
      }
    }
    return w;
  }

  /// The second half becomes the first with other signs.
  private static short[] opposite(short[] values) {
    int half = values.length / 2;
    for (int i = 0; i < half; i++) {
      values[half + i] = (short) (values[i] ^ 0x8000);
    }
    return values;
  }

  private short[] product(short[] x, DeviceMemory w, int count, Shape shape) {
    DeviceMemory in = wideIn.of(2L * x.length);
    int length = count * TILE * shape.outputs();
    DeviceMemory out = wideOut.of(2L * length);
    try (Arena arena = Arena.ofConfined()) {
      driver.write(arena.allocateFrom(Bytes.SHORT, x), in.address());
      gemm.multiply(out, in, w, count, count, shape.outputs(), shape.inputs());
      MemorySegment result = arena.allocate(Bytes.SHORT, length);
      driver.read(out.address(), result);
      return result.toArray(Bytes.SHORT);
    }
  }

  /// bfloat16 in [-1/2, 1/2).
  private static short[] random(Random random, int length) {
    short[] values = new short[length];
    for (int i = 0; i < length; i++) {
      values[i] = Floats.toBf16(random.nextFloat() - 0.5f);
    }
    return values;
  }

  /// The first width from which on the wide path is never the slower. Where it never is the faster,
  /// still a number: what a repeatable request computes must not hang on a measurement.
  private int crossover(CudaOps ops) {
    List<CudaLinear> swept = swept(ops);
    if (swept.isEmpty()) {
      return TILE; // an emulation: its times say nothing of a GPU's
    }
    int first = 2 * WIDTHS[WIDTHS.length - 1];
    for (int i = WIDTHS.length - 1; i >= 0; i--) {
      double narrow = sweep(ops, swept, WIDTHS[i], ComputePath.NARROW);
      double wide = sweep(ops, swept, WIDTHS[i], ComputePath.WIDE);
      log.debug("{} rows: narrow {} ms, wide {} ms", WIDTHS[i], narrow, wide);
      if (wide > narrow) {
        break;
      }
      first = WIDTHS[i];
    }
    return first;
  }

  /// As many weights as a sweep is to take; none if one alone takes too long.
  private List<CudaLinear> swept(CudaOps ops) {
    List<CudaLinear> swept = new ArrayList<>();
    int widest = WIDTHS[WIDTHS.length - 1];
    // Kernels are loaded when they are first launched.
    sweep(ops, weights.subList(0, 1), 1, ComputePath.NARROW);
    long bytes = 0;
    long start = System.nanoTime();
    for (CudaLinear linear : weights) {
      timed(ops, List.of(linear), widest, ComputePath.NARROW);
      if (System.nanoTime() - start > CHOICE_NANOS || bytes > SWEEP_BYTES) {
        break;
      }
      swept.add(linear);
      bytes += linear.bytes();
    }
    return swept;
  }

  /// Milliseconds of the fastest sweep.
  private double sweep(CudaOps ops, List<CudaLinear> swept, int rows, ComputePath path) {
    long fastest = Long.MAX_VALUE;
    for (int i = 0; i < SWEEPS; i++) {
      fastest = Math.min(fastest, timed(ops, swept, rows, path));
    }
    return fastest / 1e6;
  }

  private long timed(CudaOps ops, List<CudaLinear> swept, int rows, ComputePath path) {
    int inputs = swept.stream().mapToInt(CudaLinear::inputs).max().orElseThrow();
    int outputs = swept.stream().mapToInt(CudaLinear::outputs).max().orElseThrow();
    Bytes x = ops.reserve((long) Float.BYTES * rows * inputs);
    Bytes y = ops.reserve((long) Float.BYTES * rows * outputs);
    driver.synchronise(Queue.COMPUTE);
    long start = System.nanoTime();
    ops.step(
        () -> {
          for (CudaLinear linear : swept) {
            Matrix in = new Matrix(x, DType.F32, rows, linear.inputs());
            Matrix out = new Matrix(y, DType.F32, rows, linear.outputs());
            ops.linear(in, linear, out, 0, path);
          }
        });
    driver.synchronise(Queue.COMPUTE);
    return System.nanoTime() - start;
  }
}
