package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;

/// A ring of pinned host memory for what goes to the device asynchronously.
///
/// Memory is used again only after the queue has been waited for, once a round.
final class CudaStaging {
  /// Cache lines.
  private static final long ALIGNMENT = 64;

  private final CudaDriver driver;
  private final CudaDriver.Queue queue;
  private MemorySegment ring;
  private long used;

  /// @param size bytes; grown if more is taken at once
  CudaStaging(CudaDriver driver, CudaDriver.Queue queue, long size) {
    this.driver = driver;
    this.queue = queue;
    ring = driver.allocateHost(size);
  }

  /// Bytes with any content, to be filled and sent before the next call.
  MemorySegment take(long size) {
    if (used + size > ring.byteSize()) {
      driver.synchronise(queue);
      used = 0;
      if (size > ring.byteSize()) {
        ring = driver.allocateHost(2 * size);
      }
    }
    MemorySegment taken = ring.asSlice(used, size);
    used = Math.ceilDiv(used + size, ALIGNMENT) * ALIGNMENT;
    return taken;
  }

  /// Sends `taken` to a device pointer.
  void send(MemorySegment taken, long address) {
    driver.upload(taken, address, queue);
  }
}
