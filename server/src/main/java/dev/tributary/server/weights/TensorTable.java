package dev.tributary.server.weights;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// The tensors of a checkpoint by name, and which of them were asked for.
final class TensorTable {
  private final Path path;
  private final Map<String, StoredTensor> tensors;
  private final Set<String> read = ConcurrentHashMap.newKeySet();

  TensorTable(Path path, Map<String, StoredTensor> tensors) {
    this.path = path;
    this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  Set<String> names() {
    return tensors.keySet();
  }

  StoredTensor get(String name) {
    @Nullable StoredTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new FormatException(path, 0, "expected a tensor " + name + ", found none");
    }
    read.add(name);
    return tensor;
  }

  Set<String> unread() {
    Set<String> unread = new LinkedHashSet<>(tensors.keySet());
    unread.removeAll(read);
    return Collections.unmodifiableSet(unread);
  }
}
