package dev.tributary.server.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/// A model's files: metadata and named tensors.
public interface Checkpoint {
  /// Whose names and keys it uses.
  enum Kind {
    GGUF,
    HUGGING_FACE
  }

  /// A `.gguf` file or a Hugging Face folder; [FormatException] where it is neither or is broken.
  static Checkpoint open(Path path) {
    return Files.isDirectory(path) ? HfDirectory.open(path) : Gguf.open(path);
  }

  Kind kind();

  /// GGUF's key/value pairs, or `config.json`: strings, numbers (`Long` for whole ones, `Double`),
  /// booleans, lists, maps.
  Map<String, Object> metadata();

  Set<String> tensorNames();

  /// The tensor `name`, which must be one of [#tensorNames].
  StoredTensor tensor(String name);
}
