package dev.tributary.server.weights;

import dev.tributary.identity.BaseDigest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/// A Hugging Face model directory: `config.json` and `model.safetensors`, whole or in shards that
/// `model.safetensors.index.json` lists.
public final class HfDirectory implements Checkpoint {
  private static final String CONFIG = "config.json";
  private static final String WHOLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final int MAX_CONFIG_BYTES = 4 << 20;
  private static final int MAX_INDEX_BYTES = 64 << 20;
  private static final int MAX_SHARDS = 4_096;

  private final Path path;
  private final Map<String, Object> config;
  private final TensorTable tensors;

  private HfDirectory(Path path, Map<String, Object> config, TensorTable tensors) {
    this.path = path;
    this.config = config;
    this.tensors = tensors;
  }

  /// Reads the configuration and maps all weights. If there are both a whole file and an index, the
  /// whole file counts, as in transformers.
  ///
  /// @throws IOException if a file is missing or cannot be read
  /// @throws FormatException if one is malformed, or index and shards disagree
  public static HfDirectory open(Path directory) throws IOException {
    Map<String, Object> config = JsonFile.read(directory.resolve(CONFIG), MAX_CONFIG_BYTES);
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    if (Files.exists(directory.resolve(WHOLE)) || !Files.exists(directory.resolve(INDEX))) {
      addAll(tensors, Safetensors.open(directory.resolve(WHOLE)));
    } else {
      addShards(tensors, directory);
    }
    return new HfDirectory(directory, config, new TensorTable(directory, tensors));
  }

  private static void addAll(Map<String, StoredTensor> tensors, Safetensors file) {
    for (String name : file.tensorNames()) {
      StoredTensor tensor = file.tensor(name);
      if (tensors.putIfAbsent(name, tensor) != null) {
        throw new FormatException(
            file.path(), tensor.offset(), "expected a new tensor, found " + name + " again");
      }
    }
  }

  private static void addShards(Map<String, StoredTensor> tensors, Path directory)
      throws IOException {
    Path index = directory.resolve(INDEX);
    Map<String, String> files = weightMap(index);
    Set<String> shards = new LinkedHashSet<>(files.values());
    if (shards.size() > MAX_SHARDS) {
      throw new FormatException(index, 0, "expected at most " + MAX_SHARDS + " files");
    }
    for (String shard : shards) {
      addAll(tensors, Safetensors.open(directory.resolve(shard)));
    }
    for (String name : tensors.keySet()) {
      if (!files.containsKey(name)) {
        throw new FormatException(
            index, 0, "expected " + name + " in weight_map, as one of the files has it");
      }
    }
    files.forEach(
        (name, shard) -> {
          StoredTensor tensor = tensors.get(name);
          if (tensor == null || !tensor.file().endsWith(shard)) {
            throw new FormatException(
                directory.resolve(shard),
                0,
                "expected the tensor " + name + ", which " + INDEX + " places here");
          }
        });
  }

  private static Map<String, String> weightMap(Path index) throws IOException {
    if (!(JsonFile.read(index, MAX_INDEX_BYTES).get("weight_map") instanceof Map<?, ?> map)) {
      throw new FormatException(index, 0, "expected an object weight_map");
    }
    Map<String, String> files = new LinkedHashMap<>();
    map.forEach(
        (name, file) -> {
          // What doesn't count for the base's identity must not be loaded. No path passes, either.
          if (!(file instanceof String shard) || !BaseDigest.counts(shard)) {
            throw new FormatException(
                index,
                0,
                "expected model-NNNNN-of-NNNNN.safetensors as the file of %s, found %s"
                    .formatted(name, file));
          }
          files.put((String) name, shard);
        });
    return files;
  }

  @Override
  public String kind() {
    return "huggingface";
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public Map<String, Object> metadata() {
    return config;
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
