package dev.tributary.server.tensor;

import dev.tributary.server.tensor.CudaDriver.Queue;
import java.lang.foreign.MemorySegment;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Launches a list of kernels, as one graph where the same list came before.
///
/// A graph is found by all that it launches: kernels, grids, the values of arguments, addresses
/// among them. So it does what launching one by one would do now, whatever has changed since it was
/// captured, and one that names memory that has gone is found no more; as the least lately used it
/// makes room first. What may change within a shape must therefore lie in memory at an address that
/// does not: [CudaStep] sees to that.
///
/// A list is captured the second time it comes: most that come once, such as the chunks of a
/// prompt, never come again, and by then every kernel of it has been loaded. Nothing runs while it
/// is captured.
final class CudaGraphs implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CudaGraphs.class);

  /// Launches from which a graph is worth finding: they cost some 3 us each.
  static final int FEWEST = 8;

  /// Graphs kept, the least lately used going first; the driver takes about a kilobyte a launch.
  static final int MOST = 64;

  /// Lists remembered that came once.
  private static final int MOST_SEEN = 1024;

  private final CudaDriver driver;
  private final CudaKernels kernels;
  private final LinkedHashMap<CudaLaunchList.Key, MemorySegment> graphs =
      new LinkedHashMap<>(MOST, 0.75f, true);

  /// Hash codes: two lists of one code are captured early, no more.
  private final Set<Integer> seen = new LinkedHashSet<>();

  private boolean failed;

  CudaGraphs(CudaDriver driver, CudaKernels kernels) {
    this.driver = driver;
    this.kernels = kernels;
  }

  void launch(CudaLaunchList list) {
    if (list.size() < FEWEST || failed) {
      list.launch(kernels, Queue.COMPUTE);
      return;
    }
    CudaLaunchList.Key key = list.key();
    MemorySegment graph = graphs.get(key);
    if (graph == null && !remember(key.hashCode())) {
      graph = capture(key, list);
    }
    if (graph == null) {
      list.launch(kernels, Queue.COMPUTE);
    } else {
      driver.launchGraph(graph);
    }
  }

  /// Whether it had not come before.
  private boolean remember(int hash) {
    boolean first = seen.add(hash);
    if (seen.size() > MOST_SEEN) {
      removeFirst(seen.iterator());
    }
    return first;
  }

  /// The graph of `list`, or null if the driver makes none; then it is asked for no other.
  private @Nullable MemorySegment capture(CudaLaunchList.Key key, CudaLaunchList list) {
    try {
      MemorySegment graph = driver.capture(() -> list.launch(kernels, Queue.CAPTURE));
      if (graphs.size() == MOST) {
        Iterator<MemorySegment> oldest = graphs.values().iterator();
        driver.destroyGraph(removeFirst(oldest));
      }
      graphs.put(key, graph);
      return graph;
    } catch (IllegalStateException e) {
      failed = true;
      log.warn("no graphs, kernels are launched one by one from now on: {}", e.getMessage());
      return null;
    }
  }

  private static <T> T removeFirst(Iterator<T> all) {
    T first = all.next();
    all.remove();
    return first;
  }

  /// Graphs held.
  int count() {
    return graphs.size();
  }

  @Override
  public void close() {
    if (!graphs.isEmpty()) {
      driver.claimThread();
      graphs.values().forEach(driver::destroyGraph);
      graphs.clear();
    }
  }
}
