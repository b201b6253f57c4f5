package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The functions of libcuda (CUDA driver API, 12.0 or later) that the server calls, and how an
/// error of theirs reads.
final class CudaLibrary {
  /// Arguments as in `cuda.h`; handles are addresses, device pointers longs, devices ints.
  enum Function {
    INIT("cuInit", JAVA_INT),
    DRIVER_VERSION("cuDriverGetVersion", ADDRESS),
    DEVICE_COUNT("cuDeviceGetCount", ADDRESS),
    DEVICE_GET("cuDeviceGet", ADDRESS, JAVA_INT),
    DEVICE_NAME("cuDeviceGetName", ADDRESS, JAVA_INT, JAVA_INT),
    DEVICE_ATTRIBUTE("cuDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT),
    RETAIN_CONTEXT("cuDevicePrimaryCtxRetain", ADDRESS, JAVA_INT),
    RELEASE_CONTEXT("cuDevicePrimaryCtxRelease_v2", JAVA_INT),
    SET_CONTEXT("cuCtxSetCurrent", ADDRESS),
    MEMORY_INFO("cuMemGetInfo_v2", ADDRESS, ADDRESS),
    ALLOCATE("cuMemAlloc_v2", ADDRESS, JAVA_LONG),
    FREE("cuMemFree_v2", JAVA_LONG),
    ALLOCATE_HOST("cuMemHostAlloc", ADDRESS, JAVA_LONG, JAVA_INT),
    FREE_HOST("cuMemFreeHost", ADDRESS),
    FILL("cuMemsetD8Async", JAVA_LONG, JAVA_BYTE, JAVA_LONG, ADDRESS),
    TO_DEVICE("cuMemcpyHtoDAsync_v2", JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS),
    TO_HOST("cuMemcpyDtoHAsync_v2", ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS),
    WITHIN("cuMemcpyDtoDAsync_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS),
    CREATE_STREAM("cuStreamCreate", ADDRESS, JAVA_INT),
    DESTROY_STREAM("cuStreamDestroy_v2", ADDRESS),
    SYNCHRONISE("cuStreamSynchronize", ADDRESS),
    WAIT_EVENT("cuStreamWaitEvent", ADDRESS, ADDRESS, JAVA_INT),
    CREATE_EVENT("cuEventCreate", ADDRESS, JAVA_INT),
    DESTROY_EVENT("cuEventDestroy_v2", ADDRESS),
    RECORD_EVENT("cuEventRecord", ADDRESS, ADDRESS),
    LOAD_MODULE("cuModuleLoadData", ADDRESS, ADDRESS),
    GET_FUNCTION("cuModuleGetFunction", ADDRESS, ADDRESS, ADDRESS),
    LAUNCH(
        "cuLaunchKernel",
        ADDRESS,
        JAVA_INT,
        JAVA_INT,
        JAVA_INT,
        JAVA_INT,
        JAVA_INT,
        JAVA_INT,
        JAVA_INT,
        ADDRESS,
        ADDRESS,
        ADDRESS),
    BEGIN_CAPTURE("cuStreamBeginCapture_v2", ADDRESS, JAVA_INT),
    END_CAPTURE("cuStreamEndCapture", ADDRESS, ADDRESS),
    // What cuda.h of CUDA 12 means by cuGraphInstantiate.
    INSTANTIATE_GRAPH("cuGraphInstantiateWithFlags", ADDRESS, ADDRESS, JAVA_LONG),
    LAUNCH_GRAPH("cuGraphLaunch", ADDRESS, ADDRESS),
    DESTROY_GRAPH("cuGraphDestroy", ADDRESS),
    DESTROY_EXECUTABLE("cuGraphExecDestroy", ADDRESS),
    ERROR_NAME("cuGetErrorName", JAVA_INT, ADDRESS);

    private final String symbol;
    private final MemoryLayout[] arguments;

    Function(String symbol, MemoryLayout... arguments) {
      this.symbol = symbol;
      this.arguments = arguments;
    }
  }

  private static final int NAME_LENGTH = 256;
  private static final List<String> FILES = List.of("libcuda.so.1", "nvcuda.dll");

  /// By the functions' ordinals.
  private final MethodHandle[] handles = new MethodHandle[Function.values().length];

  /// @throws IllegalStateException naming the functions that `symbols` lacks
  CudaLibrary(SymbolLookup symbols) {
    List<String> missing = new ArrayList<>();
    for (Function function : Function.values()) {
      symbols
          .find(function.symbol)
          .ifPresentOrElse(
              address -> handles[function.ordinal()] = handle(address, function.arguments),
              () -> missing.add(function.symbol));
    }
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          "the NVIDIA driver lacks " + String.join(", ", missing) + ": CUDA 12 or later is needed");
    }
  }

  /// The driver's library of this system, if there is one.
  static Optional<SymbolLookup> ofSystem() {
    for (String file : FILES) {
      try {
        return Optional.of(SymbolLookup.libraryLookup(file, Arena.global()));
      } catch (IllegalArgumentException e) {
        continue; // it isn't there
      }
    }
    return Optional.empty();
  }

  private static MethodHandle handle(MemorySegment address, MemoryLayout[] arguments) {
    return Linker.nativeLinker()
        .downcallHandle(address, FunctionDescriptor.of(JAVA_INT, arguments))
        .asSpreader(Object[].class, arguments.length)
        .asType(MethodType.methodType(int.class, Object[].class));
  }

  /// Starts the driver.
  ///
  /// @return its first GPU
  /// @throws IllegalStateException if there is none
  int firstDevice() {
    call(Function.INIT, 0);
    if (readInt(Function.DEVICE_COUNT) < 1) {
      throw new IllegalStateException("the NVIDIA driver finds no GPU");
    }
    return readInt(Function.DEVICE_GET, 0);
  }

  /// A GPU's name.
  String name(int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(NAME_LENGTH);
      call(Function.DEVICE_NAME, text, NAME_LENGTH, device);
      return text.getString(0);
    }
  }

  /// @throws IllegalStateException naming the function and the driver's error
  void call(Function function, Object... arguments) {
    int code = invoke(function, arguments);
    if (code != 0) {
      throw new IllegalStateException(function.symbol + ": " + error(code));
    }
  }

  private int invoke(Function function, Object... arguments) {
    try {
      return (int) handles[function.ordinal()].invokeExact(arguments);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(function.symbol, e);
    }
  }

  private String error(int code) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(ADDRESS);
      if (invoke(Function.ERROR_NAME, code, text) != 0) {
        return "error " + code;
      }
      return text.get(ADDRESS, 0).reinterpret(Long.MAX_VALUE).getString(0);
    }
  }

  /// What a function writes to the int that `arguments`' first place is given.
  int readInt(Function function, Object... others) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(JAVA_INT);
      call(function, before(result, others));
      return result.get(JAVA_INT, 0);
    }
  }

  /// The same for a handle or a device pointer.
  long readLong(Function function, Object... others) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(JAVA_LONG);
      call(function, before(result, others));
      return result.get(JAVA_LONG, 0);
    }
  }

  private static Object[] before(MemorySegment first, Object[] others) {
    Object[] all = new Object[others.length + 1];
    all[0] = first;
    System.arraycopy(others, 0, all, 1, others.length);
    return all;
  }
}
