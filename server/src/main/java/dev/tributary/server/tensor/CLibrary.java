package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// The functions of the C library that arenas have no counterpart for: an arena writes zeros over
/// what it allocates, `calloc` takes pages that the system zeroes on first touch, `madvise` asks
/// for large ones; and what threads have none for: `setpriority`.
final class CLibrary {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle CALLOC =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("calloc"),
          FunctionDescriptor.of(ADDRESS, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle FREE =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("free"), FunctionDescriptor.ofVoid(ADDRESS));

  /// Where the system takes the advice; the number is Linux's.
  private static final Optional<MethodHandle> MADVISE =
      onLinux("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

  /// Of the calling thread on Linux, of the whole process elsewhere.
  private static final Optional<MethodHandle> SETPRIORITY =
      onLinux("setpriority", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));

  private static final int PRIO_PROCESS = 0;

  private static final int MADV_HUGEPAGE = 14;

  /// Bytes of a large page on x86-64, and on aarch64 with small pages of 4 KiB.
  private static final long LARGE_PAGE = 2L << 20;

  private CLibrary() {}

  /// Zeroed memory, freed when `arena` is closed. A region of several large pages begins with one:
  /// reads that wander over it then miss the table of page addresses 512 times less often.
  ///
  /// @param alignment in bytes, at most a large page
  static MemorySegment allocateZeroed(long size, long alignment, Arena arena) {
    long unit = size >= 2 * LARGE_PAGE ? LARGE_PAGE : alignment;
    try {
      MemorySegment block = (MemorySegment) CALLOC.invokeExact(1L, size + unit);
      if (block.address() == 0) {
        throw new OutOfMemoryError("the system gives no " + size + " bytes");
      }
      long start = Math.ceilDiv(block.address(), unit) * unit - block.address();
      MemorySegment region =
          block.reinterpret(size + unit, arena, CLibrary::free).asSlice(start, size);
      if (unit == LARGE_PAGE && MADVISE.isPresent()) {
        // Only advice: that it is not taken is no error.
        int unused =
            (int) MADVISE.get().invokeExact(region, size / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
      }
      return region;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("calloc", e);
    }
  }

  private static Optional<MethodHandle> onLinux(String name, FunctionDescriptor type) {
    return System.getProperty("os.name").equals("Linux")
        ? LINKER.defaultLookup().find(name).map(function -> LINKER.downcallHandle(function, type))
        : Optional.empty();
  }

  /// Lowers the calling thread's share of a processor, where the system can.
  ///
  /// @param nice from 0, the usual share, to 19
  static void nice(int nice) {
    if (SETPRIORITY.isPresent()) {
      try {
        // That it is refused is no error: the thread then has the usual share.
        int unused = (int) SETPRIORITY.get().invokeExact(PRIO_PROCESS, 0, nice);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException("setpriority", e);
      }
    }
  }

  private static void free(MemorySegment block) {
    try {
      FREE.invokeExact(block);
    } catch (Throwable e) {
      throw new IllegalStateException("free", e);
    }
  }
}
