package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Set;

/// A GGUF file of version 2 or 3, little-endian, mapped.
///
/// The header is read strictly: everything it says is checked against the file before it is
/// believed. Format: github.com/ggml-org/ggml, docs/gguf.md.
public final class Gguf implements Checkpoint {
  private final Path path;
  private final Map<String, Object> metadata;
  private final TensorTable tensors;

  private Gguf(Path path, Map<String, Object> metadata, TensorTable tensors) {
    this.path = path;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  /// Maps `file` and reads its header. The file must not change while it is in use.
  ///
  /// @throws IOException if it cannot be read
  /// @throws FormatException if it is no GGUF file that is read completely here
  public static Gguf open(Path file) throws IOException {
    GgufReader reader = new GgufReader(file, Bytes.map(file));
    TensorTable tensors = new TensorTable(file, reader.read());
    return new Gguf(file, Collections.unmodifiableMap(reader.metadata()), tensors);
  }

  @Override
  public String kind() {
    return "gguf";
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public Map<String, Object> metadata() {
    return metadata;
  }

  @Override
  public Set<String> tensorNames() {
    return tensors.names();
  }

  @Override
  public StoredTensor tensor(String name) {
    return tensors.get(name);
  }

  @Override
  public Set<String> unread() {
    return tensors.unread();
  }
}
