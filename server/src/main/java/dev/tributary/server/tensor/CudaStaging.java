package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;

/// A ring of pinned host memory for what goes to the device asynchronously, and its twin there.
///
/// Memory is used again only after the queue has been waited for, once a round.
final class CudaStaging {
  /// Kernels' vectors are at most 16 bytes.
  private static final long ALIGNMENT = 64;

  private final CudaDriver driver;
  private final CudaDriver.Queue queue;
  private MemorySegment ring;
  private DeviceMemory twin;
  private long used;

  /// @param size bytes; grown if more is taken at once
  CudaStaging(CudaDriver driver, CudaDriver.Queue queue, long size) {
    this.driver = driver;
    this.queue = queue;
    ring = driver.allocateHost(size);
    twin = twin(size);
  }

  /// What goes by the copy queue has places of its own.
  private DeviceMemory twin(long size) {
    return driver.allocate(queue == CudaDriver.Queue.COPY ? 0 : size);
  }

  /// Bytes with any content, to be filled and handed to one of the others before the next call.
  MemorySegment take(long size) {
    if (used + size > ring.byteSize()) {
      driver.synchronise(queue);
      used = 0;
      if (size > ring.byteSize()) {
        ring = driver.allocateHost(2 * size);
        twin = twin(2 * size);
      }
    }
    MemorySegment taken = ring.asSlice(used, size);
    used = Math.ceilDiv(used + size, ALIGNMENT) * ALIGNMENT;
    return taken;
  }

  /// The device pointer that `taken` is going to have in the twin.
  long address(MemorySegment taken) {
    return twin.address() + taken.address() - ring.address();
  }

  /// Sends `taken` to its place in the twin.
  void send(MemorySegment taken) {
    driver.upload(taken, address(taken), queue);
  }

  /// Sends `taken` elsewhere.
  void send(MemorySegment taken, long address) {
    driver.upload(taken, address, queue);
  }
}
