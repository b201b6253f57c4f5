package dev.tributary.server.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A cache in the layout of the hub's own client: `models--OWNER--NAME` with `refs/REVISION`, a
/// file with a commit's name, and `snapshots/COMMIT/`, the files.
///
/// A snapshot stays as it is: a branch that has moved on is fetched anew only when it is removed.
///
/// @param root the `hub` folder
record HubLayout(Path root) {
  static final String INDEX = "model.safetensors.index.json";
  static final String SINGLE = "model.safetensors";

  /// Without these no model is served.
  static final List<String> REQUIRED = List.of("config.json", "tokenizer.json");

  static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  // A shard stands in the folder itself: anything else could point outside.
  private static final Pattern SHARD = Pattern.compile("[\\w.-]+\\.safetensors");
  private static final int MAX_SHARDS = 1000;
  private static final long MAX_INDEX = 64 << 20;
  private static final JsonMapper JSON = new JsonMapper();

  /// The hub client's own cache.
  static HubLayout ofHubClient(Map<String, String> environment) {
    String cache = environment.getOrDefault("HF_HUB_CACHE", "");
    if (!cache.isEmpty()) {
      return new HubLayout(Path.of(cache));
    }
    String home = environment.getOrDefault("HF_HOME", "");
    return new HubLayout(
        (home.isEmpty() ? CacheFolder.userCache(environment).resolve("huggingface") : Path.of(home))
            .resolve("hub"));
  }

  Path repository(ModelSource.Hf source) {
    return root.resolve("models--" + source.repository().replace("/", "--"));
  }

  Path snapshot(ModelSource.Hf source, String commit) {
    return repository(source).resolve("snapshots").resolve(commit);
  }

  /// The file or folder that `source` names, if all of it is here.
  @Nullable Path find(ModelSource.Hf source) throws IOException {
    String commit = source.revision();
    if (!COMMIT.matcher(commit).matches()) {
      Path ref = ref(source);
      commit = Files.isRegularFile(ref) ? Files.readString(ref).strip() : "";
      if (!COMMIT.matcher(commit).matches()) {
        return null;
      }
    }
    Path snapshot = snapshot(source, commit);
    if (source.file() != null) {
      Path file = snapshot.resolve(source.file());
      return Files.isRegularFile(file) ? file : null;
    }
    return isWhole(snapshot) ? snapshot : null;
  }

  private static boolean isWhole(Path snapshot) throws IOException {
    boolean index = Files.isRegularFile(snapshot.resolve(INDEX));
    return has(snapshot, REQUIRED)
        && has(snapshot, index ? shards(snapshot.resolve(INDEX)) : List.of(SINGLE));
  }

  private static boolean has(Path folder, Iterable<String> files) {
    for (String file : files) {
      if (!Files.isRegularFile(folder.resolve(file))) {
        return false;
      }
    }
    return true;
  }

  /// Says that a whole `source` is at `commit`.
  void point(ModelSource.Hf source, String commit) throws IOException {
    Path ref = ref(source);
    CacheFolder.folderOf(ref);
    Path part = ref.resolveSibling(ref.getFileName() + ".part");
    Files.writeString(part, commit);
    Files.move(part, ref, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private Path ref(ModelSource.Hf source) {
    return repository(source).resolve("refs").resolve(source.revision());
  }

  /// The names of the shards in an index, each a plain file name.
  static Set<String> shards(Path index) throws IOException {
    if (Files.size(index) > MAX_INDEX) {
      throw new SourceException(index + " has more than " + MAX_INDEX + " bytes");
    }
    JsonNode map;
    try {
      map = JSON.readTree(Files.readAllBytes(index)).path("weight_map");
    } catch (JsonProcessingException e) {
      throw new SourceException(index + " is not JSON: " + e.getOriginalMessage(), e);
    }
    Set<String> shards = new TreeSet<>();
    for (JsonNode shard : map) {
      if (!shard.isTextual() || !SHARD.matcher(shard.textValue()).matches()) {
        throw new SourceException(index.getFileName() + ": not a shard's name: " + shard);
      }
      shards.add(shard.textValue());
    }
    if (shards.isEmpty() || shards.size() > MAX_SHARDS) {
      throw new SourceException(
          index + " names " + shards.size() + " shards; 1 to " + MAX_SHARDS + " can be");
    }
    return shards;
  }
}
