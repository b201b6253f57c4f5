package dev.tributary.server.adapter;

import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What the resident base is known by, to decide whether an adapter was trained for it (serving.md,
/// "Base match").
///
/// @param digest base digest, `sha256:<hex>`
/// @param names full names of models that this base is: `owner/name` or what its file calls it
public record BaseIdentity(String digest, Set<String> names) {
  /// Key of safetensors' `__metadata__` by which an adapter states the digest of its base.
  public static final String DIGEST_KEY = "base_model_digest";

  public BaseIdentity {
    names = Set.copyOf(names);
  }

  /// Refuses an adapter of another base. Only equal names match: a part of a path says nothing
  /// about where the weights came from, and a local folder's name is not a model's.
  ///
  /// @param statedDigest digest that the adapter states; decides alone where there is one
  /// @param statedName the configuration's `base_model_name_or_path`
  void require(@Nullable String statedDigest, @Nullable String statedName) {
    if (!matches(statedDigest, statedName)) {
      String stated = statedDigest != null ? statedDigest : statedName;
      throw new AdapterException(
          new AdapterRefusal.WrongBase(stated == null ? "unknown (none stated)" : stated, this));
    }
  }

  /// Whether what an adapter states is this base.
  boolean matches(@Nullable String statedDigest, @Nullable String statedName) {
    return statedDigest != null
        ? statedDigest.equals(digest)
        : statedName != null && names.contains(statedName);
  }

  String text() {
    return String.join(" or ", new TreeSet<>(names)) + " (" + digest + ")";
  }
}
