package dev.tributary.server;

import dev.tributary.server.source.DefaultModel;
import dev.tributary.server.weights.Checkpoint;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The names by which adapters may call the base in `base_model_name_or_path`.
final class BaseNames {
  private BaseNames() {}

  /// What the files say (GGUF's general.name, its base models' repositories; `_name_or_path`), the
  /// repository of the pinned default if this is it, and `more`.
  static Set<String> of(Checkpoint checkpoint, String digest, List<String> more) {
    Set<String> names = new HashSet<>(more);
    if (digest.equals(DefaultModel.DIGEST)) {
      names.add(DefaultModel.REPOSITORY);
    }
    Map<String, Object> metadata = checkpoint.metadata();
    for (String key : List.of("general.name", "_name_or_path")) {
      add(names, metadata.get(key));
    }
    add(names, joined(metadata, "general.organization", "general.name"));
    metadata.forEach(
        (key, value) -> {
          if (key.startsWith("general.base_model.") && key.endsWith(".name")) {
            add(names, value);
            String base = key.substring(0, key.length() - ".name".length());
            add(names, joined(metadata, base + ".organization", key));
          }
          if (key.startsWith("general.base_model.") && key.endsWith(".repo_url")) {
            add(names, String.valueOf(value).replaceFirst("^https?://[^/]+/", ""));
          }
        });
    return names;
  }

  private static Object joined(Map<String, Object> metadata, String owner, String name) {
    return metadata.get(owner) instanceof String o && metadata.get(name) instanceof String n
        ? o + "/" + n
        : "";
  }

  private static void add(Set<String> names, @Nullable Object name) {
    if (name instanceof String text && !text.isEmpty()) {
      names.add(text);
    }
  }
}
