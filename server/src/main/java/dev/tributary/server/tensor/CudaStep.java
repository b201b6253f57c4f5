package dev.tributary.server.tensor;

import dev.tributary.server.tensor.CudaKernels.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// What is to be launched and what it reads of the step: both gathered while a step is open, then
/// sent as one copy and launched at once, as a graph where [CudaGraphs] has one.
///
/// What changes from step to step (tokens, places, page tables, adapters) lies in one block of the
/// device's memory, each piece after the one before and its size rounded up a little: so steps of
/// one shape find it at the same addresses and launch the same. The block is written again only
/// after all that was launched before, since it is written in the kernels' own queue.
final class CudaStep implements AutoCloseable {
  private static final long BLOCK_BYTES = 4L << 20;

  /// Kernels' vectors are at most 16 bytes.
  private static final long ALIGNMENT = 64;

  private final CudaDriver driver;
  private final CudaGraphs graphs;
  private final CudaStaging staging;
  private final CudaLaunchList launches = new CudaLaunchList();
  private DeviceMemory block;

  /// What the block is going to hold.
  private MemorySegment image;

  private long used;
  private long sent;
  private int round;
  private boolean open;

  /// Bytes with any content, and the device pointer that they are going to have.
  record Piece(MemorySegment bytes, long address) {}

  CudaStep(CudaDriver driver, CudaKernels kernels) {
    this.driver = driver;
    graphs = new CudaGraphs(driver, kernels);
    staging = new CudaStaging(driver, CudaDriver.Queue.COMPUTE, 4 * BLOCK_BYTES);
    block = driver.allocate(BLOCK_BYTES);
    image = Arena.ofAuto().allocate(BLOCK_BYTES, ALIGNMENT);
  }

  /// Runs `work`; what it launches is launched before this returns.
  void gather(Runnable work) {
    if (open) {
      throw new IllegalStateException("a step within a step");
    }
    open = true;
    driver.gathering(true);
    restart();
    try {
      work.run();
      flush();
    } finally {
      open = false;
      driver.gathering(false);
      if (launches.size() > 0) { // it failed: nothing of it is to run later
        launches.clear();
        restart();
      }
    }
  }

  /// Memory of the block, to be filled before what reads it is launched.
  ///
  /// @return valid until the call after which [#round] is another
  Piece take(long size) {
    long rounded = rounded(size);
    if (used + rounded > image.byteSize()) {
      flush();
      if (rounded > image.byteSize()) {
        block = driver.allocate(2 * rounded);
        image = Arena.ofAuto().allocate(2 * rounded, ALIGNMENT);
      }
      restart();
    }
    Piece piece = new Piece(image.asSlice(used, size), block.address() + used);
    used += rounded;
    return piece;
  }

  /// Up by at most a quarter, so that what follows keeps its address while a table grows.
  private static long rounded(long size) {
    long unit = Math.max(ALIGNMENT, Long.highestOneBit(size) / 4);
    return Math.ceilDiv(size, unit) * unit;
  }

  private void restart() {
    used = 0;
    sent = 0;
    round++;
  }

  /// Changes when all that was taken is void.
  int round() {
    return round;
  }

  /// Launches a kernel after all that was launched before, at the latest when the step ends.
  ///
  /// @param arguments see [CudaLaunchList#add]
  void launch(Kernel kernel, int x, int y, int z, int threads, Object... arguments) {
    launches.add(kernel, x, y, z, threads, arguments);
    if (!open) {
      flush();
    }
  }

  /// Launches what was gathered: before anything else is asked of the device that must come after.
  void flush() {
    if (used > sent) {
      MemorySegment taken = staging.take(used - sent);
      MemorySegment.copy(image, sent, taken, 0, used - sent);
      staging.send(taken, block.address() + sent);
      sent = used;
    }
    if (launches.size() > 0) {
      try {
        graphs.launch(launches);
      } finally {
        launches.clear();
      }
    }
  }

  /// Graphs held.
  int graphs() {
    return graphs.count();
  }

  @Override
  public void close() {
    graphs.close();
  }
}
