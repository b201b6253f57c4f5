package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.djl.pytorch.jni.LibUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// libtorch through the stable C ABI of `torch/csrc/inductor/aoti_torch/c/shim.h` (2.7 to 2.11).
///
/// Every symbol the server needs is bound here, once, at start. Handles are raw addresses; a handle
/// that a call returns is owned by the caller until [#delete]. libtorch reports a failure only as a
/// non-zero return code, with the text on standard error: callers check shapes and types first.
public final class Libtorch {
  private static final Linker LINKER = Linker.nativeLinker();

  private static final FunctionDescriptor BF16_PRODUCT =
      FunctionDescriptor.ofVoid(
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_BOOLEAN,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_BOOLEAN);

  /// Where the library is, for messages.
  private final Path folder;

  private final SymbolLookup symbols;
  private final List<String> missing = new ArrayList<>();

  private final MethodHandle tensorFromBlob;
  private final MethodHandle deleteTensor;
  private final MethodHandle matmul;
  private final @Nullable MethodHandle bf16Product;
  private final MethodHandle setGradMode;
  private final MethodHandle setThreads;

  private final int bfloat16;
  private final int float32;

  /// libtorch's number for memory of the host.
  static final int CPU = 0;

  private Libtorch(Path folder, SymbolLookup symbols) {
    this.folder = folder;
    this.symbols = symbols;
    tensorFromBlob =
        bind(
            "aoti_torch_create_tensor_from_blob",
            JAVA_INT,
            ADDRESS,
            JAVA_LONG,
            ADDRESS,
            ADDRESS,
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            ADDRESS);
    deleteTensor = bind("aoti_torch_delete_tensor_object", JAVA_INT, ADDRESS);
    matmul = bind("aoti_torch_mm_out", JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
    bf16Product =
        symbols
            .find("_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb")
            .filter(address -> Processor.current().features().contains("avx512_bf16"))
            .map(address -> LINKER.downcallHandle(address, BF16_PRODUCT))
            .orElse(null);
    setGradMode = bindVoid("aoti_torch_grad_mode_set_enabled", JAVA_BOOLEAN);
    // at::set_num_threads(int); its count is per thread where libtorch uses OpenMP.
    setThreads = bindVoid("_ZN2at15set_num_threadsEi", JAVA_INT);
    MethodHandle[] types =
        Stream.of("bfloat16", "float32")
            .map(name -> bind("aoti_torch_dtype_" + name, JAVA_INT))
            .toArray(MethodHandle[]::new);
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          "libtorch in "
              + folder
              + " lacks "
              + String.join(", ", missing)
              + ": version 2.7 to 2.11 is needed");
    }
    try {
      bfloat16 = (int) types[0].invokeExact();
      float32 = (int) types[1].invokeExact();
    } catch (Throwable e) {
      throw failed("reading type codes", e);
    }
  }

  /// The libtorch that DJL's PyTorch engine carries, unpacked to DJL's cache on first use.
  public static Libtorch bundled() {
    return Bundled.INSTANCE;
  }

  private static final class Bundled {
    static final Libtorch INSTANCE;

    static {
      LibUtils.loadLibrary();
      INSTANCE = open(Path.of(LibUtils.getLibtorchPath()));
    }
  }

  /// An installed libtorch: the folder that holds `libtorch_cpu`.
  public static Libtorch open(Path folder) {
    Path library = folder.resolve(System.mapLibraryName("torch_cpu"));
    if (!Files.isRegularFile(library)) {
      throw new IllegalStateException("no " + library.getFileName() + " in " + folder);
    }
    // Dependencies first: the loader does not look beside the library by itself.
    try (Stream<Path> files = Files.list(folder)) {
      files
          .filter(file -> file.getFileName().toString().matches("(libgomp|libc10\\.|c10\\.).*"))
          .sorted()
          .forEach(file -> SymbolLookup.libraryLookup(file, Arena.global()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Libtorch(folder, SymbolLookup.libraryLookup(library, Arena.global()));
  }

  /// The folder of the libraries.
  Path folder() {
    return folder;
  }

  /// Makes the calling thread run libtorch on itself alone and without autograd; both settings
  /// belong to a thread.
  void claimThread() {
    try {
      setThreads.invokeExact(1);
      setGradMode.invokeExact(false);
    } catch (Throwable e) {
      throw failed("claiming a thread", e);
    }
  }

  /// A tensor over columns `[column, column + cols)` of `matrix`. It does not keep the memory
  /// alive.
  long tensor(Matrix matrix, int column, int cols) {
    int code = matrix.type() == DType.F32 ? float32 : bfloat16;
    return tensor(
        matrix.data(),
        matrix.offset(0, column),
        code,
        new long[] {matrix.rows(), cols},
        new long[] {matrix.cols(), 1});
  }

  /// The transposed view of row-major `[rows, cols]` bfloat16: shape `[cols, rows]`.
  long transposed(Bytes data, long offset, int rows, int cols) {
    return tensor(data, offset, bfloat16, new long[] {cols, rows}, new long[] {1, cols});
  }

  private long tensor(Bytes data, long offset, int type, long[] sizes, long[] strides) {
    return tensor(data.segment().asSlice(offset), type, sizes, strides, CPU);
  }

  /// A bfloat16 tensor over memory that starts at `address`.
  ///
  /// @param device libtorch's number of the kind of device that the memory is of; its first one
  long bf16(long address, long[] sizes, long[] strides, int device) {
    return tensor(MemorySegment.ofAddress(address), bfloat16, sizes, strides, device);
  }

  private long tensor(MemorySegment at, int type, long[] sizes, long[] strides, int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(ADDRESS);
      int code =
          (int)
              tensorFromBlob.invokeExact(
                  at,
                  (long) sizes.length,
                  arena.allocateFrom(JAVA_LONG, sizes),
                  arena.allocateFrom(JAVA_LONG, strides),
                  0L,
                  type,
                  device,
                  0,
                  result);
      check(code, "aoti_torch_create_tensor_from_blob");
      return result.get(JAVA_LONG, 0);
    } catch (Throwable e) {
      throw failed("making a tensor", e);
    }
  }

  void delete(long tensor) {
    try {
      check(
          (int) deleteTensor.invokeExact(MemorySegment.ofAddress(tensor)),
          "aoti_torch_delete_tensor_object");
    } catch (Throwable e) {
      throw failed("deleting a tensor", e);
    }
  }

  /// `out = a b`.
  void matmul(long out, long a, long b) {
    try {
      check(
          (int)
              matmul.invokeExact(
                  MemorySegment.ofAddress(out),
                  MemorySegment.ofAddress(a),
                  MemorySegment.ofAddress(b)),
          "mm_out");
    } catch (Throwable e) {
      throw failed("multiplying", e);
    }
  }

  /// Whether [#bf16Product] can be called: the library exports it and the processor multiplies
  /// bfloat16.
  boolean hasBf16Product() {
    return bf16Product != null;
  }

  /// `c = a b` by oneDNN's microkernel, `at::native::cpublas::brgemm` (ATen/native/CPUBlas.h): not
  /// of the stable C ABI, so it may be missing. Pointers are addresses, strides are elements.
  ///
  /// @param add `c += a b` instead
  /// @param a bfloat16 `[m, k]`, row-major
  /// @param b bfloat16 `[k / 2, n, 2]`: pairs of `k` side by side
  /// @param c float32 `[m, n]`, row-major
  void bf16Product(
      int m,
      int n,
      int k,
      boolean add,
      long a,
      int strideA,
      long b,
      int strideB,
      long c,
      int strideC) {
    try {
      Objects.requireNonNull(bf16Product)
          .invokeExact(
              (long) m,
              (long) n,
              (long) k,
              (long) strideA,
              (long) strideB,
              (long) strideC,
              add,
              a,
              b,
              c,
              true);
    } catch (Throwable e) {
      throw failed("multiplying", e);
    }
  }

  /// Name and size of the library file: what distinguishes one build from another.
  String build() {
    try {
      Path library = folder.resolve(System.mapLibraryName("torch_cpu"));
      return folder.getFileName() + "/" + Files.size(library);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private MethodHandle bind(String name, MemoryLayout result, MemoryLayout... arguments) {
    return bind(name, FunctionDescriptor.of(result, arguments));
  }

  private MethodHandle bindVoid(String name, MemoryLayout... arguments) {
    return bind(name, FunctionDescriptor.ofVoid(arguments));
  }

  private MethodHandle bind(String name, FunctionDescriptor type) {
    MemorySegment address =
        symbols
            .find(name)
            .orElseGet(
                () -> {
                  missing.add(name);
                  return MemorySegment.NULL.reinterpret(1);
                });
    return address.address() == 0
        ? LINKER.downcallHandle(type)
        : LINKER.downcallHandle(address, type);
  }

  private static void check(int code, String function) {
    if (code != 0) {
      throw new IllegalStateException(
          function + " failed; libtorch wrote the reason to standard error");
    }
  }

  private static RuntimeException failed(String doing, Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return e instanceof RuntimeException runtime
        ? runtime
        : new IllegalStateException("libtorch: " + doing, e);
  }
}
