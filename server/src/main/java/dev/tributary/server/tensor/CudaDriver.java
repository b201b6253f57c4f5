package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tributary.server.tensor.CudaLibrary.Function;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;

/// The first GPU: its memory, two queues of work, and kernels.
///
/// An error of what runs asynchronously shows at a later call. Threads other than the engine's may
/// [#allocate], [#write] and [#read] after [#claimThread].
///
/// No GPU has run this: tests bind it to a library that emulates the driver on the CPU.
final class CudaDriver implements AutoCloseable {
  /// Work of one queue runs in its order; queues wait for each other by [#fence] alone.
  enum Queue {
    /// Kernels and what they read.
    COMPUTE,
    /// Adapters on their way to the device.
    COPY,
    /// Launches that become a graph; nothing of it runs. One of its own: what other threads ask of
    /// the device meanwhile must not get into the graph.
    CAPTURE
  }

  private static final int MAJOR = 75;
  private static final int MINOR = 76;
  private static final int NON_BLOCKING = 1;
  private static final int NO_TIMING = 2;

  /// CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may allocate and free meanwhile.
  private static final int THREAD_LOCAL = 1;

  private final CudaLibrary library;
  private final int device;
  private final MemorySegment context;

  /// By the queues' ordinals: `CUstream`, and the `CUevent` that a fence records in it.
  private final MemorySegment[] streams = new MemorySegment[Queue.values().length];

  private final MemorySegment[] events = new MemorySegment[Queue.values().length];
  private boolean closed;
  private boolean gathering;

  /// @param symbols the driver library's
  /// @throws IllegalStateException if it is too old, finds no GPU, or fails
  CudaDriver(SymbolLookup symbols) {
    library = new CudaLibrary(symbols);
    device = library.firstDevice();
    context = MemorySegment.ofAddress(library.readLong(Function.RETAIN_CONTEXT, device));
    claimThread();
    for (Queue queue : Queue.values()) {
      streams[queue.ordinal()] = handle(Function.CREATE_STREAM, NON_BLOCKING);
      events[queue.ordinal()] = handle(Function.CREATE_EVENT, NO_TIMING);
    }
  }

  private MemorySegment handle(Function function, Object... arguments) {
    return MemorySegment.ofAddress(library.readLong(function, arguments));
  }

  /// The GPU's name.
  String name() {
    return library.name(device);
  }

  /// What kernels are compiled for, such as `sm_90`.
  String architecture() {
    return "sm_"
        + library.readInt(Function.DEVICE_ATTRIBUTE, MAJOR, device)
        + library.readInt(Function.DEVICE_ATTRIBUTE, MINOR, device);
  }

  /// The CUDA version that the driver speaks, such as 12080.
  int version() {
    return library.readInt(Function.DRIVER_VERSION);
  }

  /// Prepares the calling thread to call the other methods.
  void claimThread() {
    library.call(Function.SET_CONTEXT, context);
  }

  /// Free bytes of the device.
  long freeMemory() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(JAVA_LONG);
      library.call(Function.MEMORY_INFO, free, arena.allocate(JAVA_LONG));
      return free.get(JAVA_LONG, 0);
    }
  }

  /// Zeros, freed by [DeviceMemory#free] or when neither they nor a slice of them are reachable.
  DeviceMemory allocate(long size) {
    long address = library.readLong(Function.ALLOCATE, Math.max(size, 1));
    library.call(Function.FILL, address, (byte) 0, Math.max(size, 1), stream(Queue.COMPUTE));
    synchronise(Queue.COMPUTE);
    DeviceMemory.Life life = new DeviceMemory.Life(() -> release(Function.FREE, address));
    return new DeviceMemory(this, life, address, size);
  }

  /// Zeros in the host's memory, pinned: copies from and to it run asynchronously.
  MemorySegment allocateHost(long size) {
    long address = library.readLong(Function.ALLOCATE_HOST, Math.max(size, 1), 0);
    MemorySegment memory =
        MemorySegment.ofAddress(address)
            .reinterpret(size, Arena.ofAuto(), start -> release(Function.FREE_HOST, start));
    return memory.fill((byte) 0);
  }

  /// Runs on a cleaner's thread, or on that of who frees.
  private synchronized void release(Function function, Object address) {
    if (!closed) {
      claimThread();
      library.call(function, address); // waits for kernels that may use it
    }
  }

  /// Copies to the device; done when it returns.
  void write(MemorySegment from, long to) {
    library.call(Function.TO_DEVICE, to, from, from.byteSize(), stream(Queue.COMPUTE));
    synchronise(Queue.COMPUTE);
  }

  /// Copies to the host; done when it returns.
  void read(long from, MemorySegment to) {
    library.call(Function.TO_HOST, to, from, to.byteSize(), stream(Queue.COMPUTE));
    synchronise(Queue.COMPUTE);
  }

  /// Copies to the device when the queue's turn comes.
  ///
  /// @param pinned not to be changed before then
  void upload(MemorySegment pinned, long to, Queue queue) {
    library.call(Function.TO_DEVICE, to, pinned, pinned.byteSize(), stream(queue));
  }

  /// Says whether launches are held back, so that what comes after them must not overtake.
  void gathering(boolean now) {
    gathering = now;
  }

  /// Copies within the device, after what was launched before.
  void copy(long from, long to, long size) {
    if (gathering) {
      throw new IllegalStateException("a copy in the middle of a step");
    }
    library.call(Function.WITHIN, to, from, size, stream(Queue.COMPUTE));
  }

  /// What comes to `later` from now on waits for all that is in `earlier`.
  void fence(Queue earlier, Queue later) {
    MemorySegment event = events[earlier.ordinal()];
    library.call(Function.RECORD_EVENT, event, stream(earlier));
    library.call(Function.WAIT_EVENT, stream(later), event, 0);
  }

  /// Waits for all that is in `queue`.
  void synchronise(Queue queue) {
    library.call(Function.SYNCHRONISE, stream(queue));
  }

  /// @param image cubin or PTX
  /// @return the module, which lives as long as the process
  MemorySegment load(MemorySegment image) {
    return handle(Function.LOAD_MODULE, image);
  }

  /// A kernel of a module.
  MemorySegment function(MemorySegment module, String name) {
    try (Arena arena = Arena.ofConfined()) {
      return handle(Function.GET_FUNCTION, module, arena.allocateFrom(name));
    }
  }

  /// Launches a grid of `x * y * z` blocks of `threads` threads in `queue`.
  ///
  /// @param arguments an array of addresses of the arguments; free again when this returns
  void launch(
      Queue queue,
      MemorySegment function,
      int x,
      int y,
      int z,
      int threads,
      MemorySegment arguments) {
    library.call(
        Function.LAUNCH,
        function,
        x,
        y,
        z,
        threads,
        1,
        1,
        0,
        stream(queue),
        arguments,
        MemorySegment.NULL);
  }

  /// Makes a graph of what `launches` launches in [Queue#CAPTURE]; it does nothing else.
  ///
  /// @return `CUgraphExec`, of the caller's until [#destroyGraph]
  /// @throws IllegalStateException if the driver makes none; nothing has run then
  MemorySegment capture(Runnable launches) {
    library.call(Function.BEGIN_CAPTURE, stream(Queue.CAPTURE), THREAD_LOCAL);
    try {
      launches.run();
    } catch (RuntimeException e) {
      try {
        endCapture(); // a failed launch has made the graph void
      } catch (IllegalStateException end) {
        e.addSuppressed(end);
      }
      throw e;
    }
    MemorySegment graph = endCapture();
    try {
      return handle(Function.INSTANTIATE_GRAPH, graph, 0L);
    } finally {
      library.call(Function.DESTROY_GRAPH, graph);
    }
  }

  private MemorySegment endCapture() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment graph = arena.allocate(JAVA_LONG);
      library.call(Function.END_CAPTURE, stream(Queue.CAPTURE), graph);
      return MemorySegment.ofAddress(graph.get(JAVA_LONG, 0));
    }
  }

  /// Launches a graph in [Queue#COMPUTE].
  void launchGraph(MemorySegment graph) {
    library.call(Function.LAUNCH_GRAPH, graph, stream(Queue.COMPUTE));
  }

  /// Gives a graph back; one that still runs goes when it has ended.
  void destroyGraph(MemorySegment graph) {
    library.call(Function.DESTROY_EXECUTABLE, graph);
  }

  /// The `CUstream` of a queue.
  MemorySegment stream(Queue queue) {
    return streams[queue.ordinal()];
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    claimThread();
    for (Queue queue : Queue.values()) {
      synchronise(queue);
      library.call(Function.DESTROY_EVENT, events[queue.ordinal()]);
      library.call(Function.DESTROY_STREAM, stream(queue));
    }
    // With the context goes all of its memory.
    library.call(Function.RELEASE_CONTEXT, device);
  }
}
