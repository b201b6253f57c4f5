package dev.tributary.server.tensor;

import java.util.HashMap;
import java.util.Map;

/// Tensor handles over activation buffers, which the graph uses again at every step. One worker's.
///
/// A handle names an address and a shape. Memory behind a cached handle may be freed: the handle is
/// then not used until the same address holds an array of the same shape again.
final class HandleCache {
  private static final int MOST = 1024;

  private final Libtorch libtorch;
  private final Map<Key, Long> handles = new HashMap<>();

  HandleCache(Libtorch libtorch) {
    this.libtorch = libtorch;
  }

  /// Columns `[column, column + cols)` of `matrix`.
  long of(Matrix matrix, int column, int cols) {
    long offset = matrix.offset(0, column);
    Key key =
        new Key(
            matrix.data().segment().address() + offset,
            matrix.type(),
            matrix.rows(),
            cols,
            matrix.cols());
    Long known = handles.get(key);
    if (known != null) {
      return known;
    }
    if (handles.size() == MOST) {
      close();
    }
    long handle =
        libtorch.tensor(matrix.data(), offset, matrix.type(), matrix.rows(), cols, matrix.cols());
    handles.put(key, handle);
    return handle;
  }

  void close() {
    handles.values().forEach(libtorch::delete);
    handles.clear();
  }

  private record Key(long address, DType type, int rows, int cols, int stride) {}
}
