package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;

/// Adapters' matrices on the device: a pool of pages of one size for all ranks.
///
/// A matrix goes there when a step first uses it, by the copy queue: while the host launches a
/// layer, the adapters of the layers before are on their way and the kernels of those before them
/// run. It stays until its pages are needed for others: first those of matrices whose memory in the
/// host was given back, since nobody can ask for them any more, then the least lately used.
final class CudaAdapters {
  /// Bytes a page: 1 << POOL_SHIFT of `lora.cu`.
  static final int PAGE = 4096;

  /// Most bytes that one copy takes from the ring.
  private static final int MOST_PAGES = 256;

  private static final long RING_BYTES = 16L << 20;

  private final CudaDriver driver;
  private final CudaStep launches;
  private final CudaStaging staging;
  private final DeviceMemory pool;
  private final int capacity;
  private final BitSet taken = new BitSet();
  private final WeakHashMap<Bytes, Entry> entries = new WeakHashMap<>();
  private final Set<Entry> byUse = new LinkedHashSet<>();
  private final ReferenceQueue<Bytes> gone = new ReferenceQueue<>();
  private long step;
  private boolean freed;
  private boolean copied;

  /// A matrix in the pool.
  private static final class Entry extends WeakReference<Bytes> {
    private final int[] pages;
    private long lastStep;

    Entry(Bytes matrix, ReferenceQueue<Bytes> gone, int[] pages) {
      super(matrix, gone);
      this.pages = pages;
    }
  }

  /// @param launches what is held back of the kernels that read the pool
  /// @param bytes size of the pool
  CudaAdapters(CudaDriver driver, CudaStep launches, long bytes) {
    this.driver = driver;
    this.launches = launches;
    capacity = Math.toIntExact(Math.ceilDiv(bytes, PAGE));
    pool = driver.allocate((long) capacity * PAGE);
    staging = new CudaStaging(driver, CudaDriver.Queue.COPY, RING_BYTES);
  }

  DeviceMemory pool() {
    return pool;
  }

  /// Begins a call whose matrices all have to be there at once.
  void begin() {
    step++;
    for (Object entry = gone.poll(); entry != null; entry = gone.poll()) {
      free((Entry) entry);
    }
  }

  /// The pages of `matrix`; what is to read them has to be launched after [#end].
  int[] pages(Bytes matrix) {
    Entry entry = entries.get(matrix);
    if (entry == null) {
      entry = new Entry(matrix, gone, allocate(Math.ceilDiv(matrix.size(), PAGE)));
      entries.put(matrix, entry);
      copy(matrix.segment(), entry.pages);
      matrix.pooled(true);
    }
    entry.lastStep = step;
    byUse.remove(entry);
    byUse.add(entry);
    return entry.pages;
  }

  /// Pages of matrices whose memory in the host has not been given back.
  int pagesInUse() {
    dropClosed();
    return taken.cardinality();
  }

  private void dropClosed() {
    for (Entry entry : List.copyOf(byUse)) {
      Bytes matrix = entry.get();
      if (matrix != null && !matrix.segment().scope().isAlive()) {
        free(entry);
      }
    }
  }

  /// Lets the kernels that are launched from now on wait for the copies.
  void end() {
    if (copied) {
      launches.flush(); // those before need not wait
      driver.fence(CudaDriver.Queue.COPY, CudaDriver.Queue.COMPUTE);
      copied = false;
    }
  }

  private int[] allocate(long count) {
    if (capacity - taken.cardinality() < count) {
      dropClosed();
    }
    Iterator<Entry> oldest = byUse.iterator();
    while (capacity - taken.cardinality() < count) {
      Entry entry = oldest.hasNext() ? oldest.next() : null;
      if (entry == null || entry.lastStep == step) {
        throw new IllegalStateException(
            "the adapters of one layer take more than the device's pool of "
                + pool.size()
                + " bytes");
      }
      oldest.remove();
      free(entry);
    }
    int[] pages = new int[Math.toIntExact(count)];
    int page = 0;
    for (int i = 0; i < pages.length; i++) {
      page = taken.nextClearBit(page);
      taken.set(page);
      pages[i] = page;
    }
    return pages;
  }

  private void free(Entry entry) {
    byUse.remove(entry);
    Bytes matrix = entry.get();
    if (matrix != null) {
      entries.remove(matrix);
      matrix.pooled(false);
    }
    for (int page : entry.pages) {
      taken.clear(page);
    }
    freed = true;
  }

  /// Runs of neighbouring pages are copied at once.
  private void copy(MemorySegment matrix, int[] pages) {
    if (freed) {
      // Kernels under way, or held back, may still read what lay in the pages.
      launches.flush();
      driver.fence(CudaDriver.Queue.COMPUTE, CudaDriver.Queue.COPY);
      freed = false;
    }
    for (int from = 0; from < pages.length; ) {
      int to = from + 1;
      while (to < pages.length && pages[to] == pages[to - 1] + 1 && to - from < MOST_PAGES) {
        to++;
      }
      long at = (long) from * PAGE;
      long size = Math.min((long) to * PAGE, matrix.byteSize()) - at;
      MemorySegment part = staging.take(size);
      part.copyFrom(matrix.asSlice(at, size));
      staging.send(part, pool.address() + (long) pages[from] * PAGE);
      from = to;
    }
    copied = true;
  }
}
