package dev.tributary.server.tensor;

/// Device memory that kernels of one call hand results on in, grown on demand and used again by the
/// next call: kernels run one after the other.
final class CudaScratch {
  private final CudaDriver driver;
  private DeviceMemory memory;

  CudaScratch(CudaDriver driver) {
    this.driver = driver;
    memory = driver.allocate(0);
  }

  /// `size` bytes with any content.
  DeviceMemory of(long size) {
    if (memory.size() < size) {
      memory = driver.allocate(Math.max(size, 2 * memory.size()));
    }
    return memory.slice(0, size);
  }
}
