package dev.tributary.server.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A model in Hugging Face's layout: `config.json`, `model.safetensors` or its shards with their
/// index.
public final class HfDirectory implements Checkpoint {
  private static final long MAX_JSON = 64 << 20;

  private static final JsonMapper JSON =
      JsonMapper.builder(
              com.fasterxml.jackson.core.JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(32)
                          .maxDocumentLength(MAX_JSON)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.USE_LONG_FOR_INTS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final TypeReference<LinkedHashMap<String, Object>> OBJECT =
      new TypeReference<>() {};

  private final Map<String, Object> config;
  private final Map<String, Safetensors> files;

  private HfDirectory(Map<String, Object> config, Map<String, Safetensors> files) {
    this.config = Collections.unmodifiableMap(config);
    this.files = Collections.unmodifiableMap(files);
  }

  /// Opens and checks the folder; [FormatException] says what is missing or broken.
  public static HfDirectory open(Path folder) {
    Path config = folder.resolve("config.json");
    if (!Files.isRegularFile(config)) {
      throw new FormatException(folder + " has no config.json");
    }
    Path index = folder.resolve("model.safetensors.index.json");
    Path single = folder.resolve("model.safetensors");
    Map<String, Safetensors> files = new LinkedHashMap<>();
    if (Files.isRegularFile(index)) {
      sharded(folder, index, files);
    } else if (Files.isRegularFile(single)) {
      Safetensors file = Safetensors.open(single);
      file.names().forEach(name -> files.put(name, file));
    } else {
      throw new FormatException(
          folder + " has neither model.safetensors nor model.safetensors.index.json");
    }
    return new HfDirectory(object(config), files);
  }

  private static void sharded(Path folder, Path index, Map<String, Safetensors> files) {
    if (!(object(index).get("weight_map") instanceof Map<?, ?> map)) {
      throw new FormatException(index.getFileName() + " has no weight_map");
    }
    Map<String, Safetensors> shards = new HashMap<>();
    map.forEach(
        (name, shard) -> {
          // A shard stands in the folder itself: anything else could point outside.
          if (!(shard instanceof String file) || !file.matches("[\\w.-]+\\.safetensors")) {
            throw new FormatException(index.getFileName() + ": not a shard's name: " + shard);
          }
          Safetensors opened =
              shards.computeIfAbsent(file, f -> Safetensors.open(folder.resolve(f)));
          if (!opened.names().contains(name)) {
            throw new FormatException(file + " lacks tensor " + name);
          }
          files.put((String) name, opened);
        });
    shards.forEach(
        (file, shard) ->
            shard.names().stream()
                .filter(name -> files.get(name) != shard)
                .findFirst()
                .ifPresent(
                    name -> {
                      throw new FormatException(
                          file + " has tensor " + name + ", not in the index");
                    }));
  }

  private static Map<String, Object> object(Path path) {
    try {
      if (Files.size(path) > MAX_JSON) {
        throw new FormatException(path.getFileName() + " is larger than " + MAX_JSON + " bytes");
      }
      Map<String, Object> object = JSON.readValue(Files.readAllBytes(path), OBJECT);
      if (object == null) {
        throw new FormatException(path.getFileName() + " is not an object");
      }
      return object;
    } catch (JsonProcessingException e) {
      throw new FormatException(
          path.getFileName()
              + ": byte "
              + (e.getLocation() == null ? 0 : e.getLocation().getByteOffset())
              + ": "
              + e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Kind kind() {
    return Kind.HUGGING_FACE;
  }

  @Override
  public Map<String, Object> metadata() {
    return config;
  }

  @Override
  public Set<String> tensorNames() {
    return files.keySet();
  }

  @Override
  public StoredTensor tensor(String name) {
    @Nullable Safetensors file = files.get(name);
    if (file == null) {
      throw new IllegalArgumentException("no tensor " + name);
    }
    return file.tensor(name);
  }
}
