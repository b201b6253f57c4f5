package dev.tributary.server.tensor;

import java.lang.ref.Cleaner;
import java.util.Objects;

/// A region of a GPU's memory.
///
/// @param life of the whole region that this is a part of
/// @param address device pointer
/// @param size bytes
record DeviceMemory(CudaDriver driver, Life life, long address, long size) {
  private static final Cleaner CLEANER = Cleaner.create();

  /// Ends when nothing reaches it any more, or before by [#free].
  static final class Life {
    private final Cleaner.Cleanable end;

    /// @param end runs once, on any thread; must not reach this
    Life(Runnable end) {
      this.end = CLEANER.register(this, end);
    }
  }

  /// Frees the whole region, once what was launched before has run; nothing may use it any more.
  void free() {
    life.end.clean();
  }

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
