package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// The two functions of the C library that arenas have no counterpart for: an arena writes zeros
/// over what it allocates, `calloc` takes pages that the system zeroes on first touch.
final class CLibrary {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle CALLOC =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("calloc"),
          FunctionDescriptor.of(ADDRESS, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle FREE =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("free"), FunctionDescriptor.ofVoid(ADDRESS));

  private CLibrary() {}

  /// Zeroed memory, freed when it is unreachable.
  static MemorySegment allocateZeroed(long size) {
    try {
      MemorySegment block = (MemorySegment) CALLOC.invokeExact(1L, size);
      if (block.address() == 0) {
        throw new OutOfMemoryError("the system gives no " + size + " bytes");
      }
      return block.reinterpret(size, Arena.ofAuto(), CLibrary::free);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("calloc", e);
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
