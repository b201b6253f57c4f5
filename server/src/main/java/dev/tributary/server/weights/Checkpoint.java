package dev.tributary.server.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/// A model's files, opened: what they say about the model, and its tensors.
///
/// Both kinds say the same in other words: the names of metadata keys and of tensors differ, and
/// whoever reads the model maps them.
public sealed interface Checkpoint permits Gguf, HfDirectory {
  /// A `.gguf` file or a Hugging Face folder.
  ///
  /// @throws FormatException if it is neither, or is broken
  static Checkpoint open(Path path) throws IOException {
    return Files.isDirectory(path) ? HfDirectory.open(path) : Gguf.open(path);
  }

  /// `gguf` or `huggingface`.
  String kind();

  /// The file or directory.
  Path path();

  /// GGUF's key-value pairs, or the members of `config.json`: values are [Long], [Float] (GGUF
  /// only), [Double], [Boolean], [String], and [java.util.List] and [Map] (`config.json` only) of
  /// these. Unmodifiable, in the order of the file.
  Map<String, Object> metadata();

  /// In the order of the file.
  Set<String> tensorNames();

  /// The tensor of this name; from then on it counts as read.
  ///
  /// @throws FormatException if there is none
  StoredTensor tensor(String name);

  /// The tensors that nobody asked for: a model that leaves one unread has not understood the file.
  Set<String> unread();
}
