package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// A region of a GPU's memory.
///
/// @param life keeps the region allocated while it is reachable
/// @param address device pointer
/// @param size bytes
record DeviceMemory(CudaDriver driver, MemorySegment life, long address, long size) {
  DeviceMemory slice(long offset, long length) {
    Objects.checkFromIndexSize(offset, length, size);
    return new DeviceMemory(driver, life, address + offset, length);
  }

  /// Copies `length` bytes of `source` from `from` to `to`, after what was launched before.
  void copyFrom(DeviceMemory source, long from, long to, long length) {
    Objects.checkFromIndexSize(from, length, source.size);
    Objects.checkFromIndexSize(to, length, size);
    driver.copy(source.address + from, address + to, length);
  }
}
