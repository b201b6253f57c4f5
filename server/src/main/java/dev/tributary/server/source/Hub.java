package dev.tributary.server.source;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Models of the Hugging Face hub.
///
/// All files of a model are taken at one commit, so that a branch that moves meanwhile can't mix
/// two states. The weights come last: where they are whole, everything is.
final class Hub {
  /// Files that a model may lack. With [HubLayout#REQUIRED] and the weights these are the files
  /// that tell a base's digest, and `generation_config.json`, which says where answers end.
  private static final List<String> OPTIONAL =
      List.of(
          "tokenizer_config.json",
          "generation_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "chat_template.jinja",
          "chat_template.json",
          "tokenizer.model",
          "vocab.json",
          "vocab.txt",
          "merges.txt");

  private final HubConnection connection;
  private final HubLayout own;
  private final HubLayout clients;
  private final CacheFolder cache;
  private final Retries retries;
  private final Progress progress;

  Hub(
      Map<String, String> environment,
      HubConnection connection,
      CacheFolder cache,
      Retries retries,
      Progress progress) {
    this.connection = connection;
    this.own = new HubLayout(cache.root().resolve("hub"));
    this.clients = HubLayout.ofHubClient(environment);
    this.cache = cache;
    this.retries = retries;
    this.progress = progress;
  }

  /// What is here already, in the hub client's cache or ours.
  @Nullable Path cached(ModelSource.Hf source, @Nullable String sha256) throws IOException {
    for (HubLayout layout : List.of(clients, own)) {
      Path found = layout.find(source);
      if (found != null && isGood(source, found, sha256)) {
        return found;
      }
    }
    return null;
  }

  private boolean isGood(ModelSource.Hf source, Path found, @Nullable String sha256)
      throws IOException {
    return source.file() == null || CacheFolder.isGood(found, sha256, progress);
  }

  /// @param sha256 what the one file must be, in hex, or null to rely on the hub's word
  /// @throws SourceException if it can't be had
  Path download(ModelSource.Hf source, @Nullable String sha256) throws InterruptedException {
    return cache.locked(
        own.repository(source),
        progress,
        () -> {
          // Another process may have fetched it while this one waited.
          Path found = own.find(source);
          if (found != null && isGood(source, found, sha256)) {
            return found;
          }
          String commit = commit(source);
          Path snapshot = own.snapshot(source, commit);
          Path path = snapshot;
          if (source.file() == null) {
            folder(source, commit, snapshot);
          } else {
            path = snapshot.resolve(source.file());
            Files.deleteIfExists(path);
            require(source, source.file(), get(source, commit, source.file(), path, sha256));
          }
          if (!commit.equals(source.revision())) {
            own.point(source, commit);
          }
          return path;
        });
  }

  private void folder(ModelSource.Hf source, String commit, Path snapshot)
      throws IOException, InterruptedException {
    for (String file : HubLayout.REQUIRED) {
      require(source, file, get(source, commit, snapshot, file));
    }
    for (String file : OPTIONAL) {
      get(source, commit, snapshot, file);
    }
    if (get(source, commit, snapshot, HubLayout.INDEX)) {
      for (String shard : HubLayout.shards(snapshot.resolve(HubLayout.INDEX))) {
        require(source, shard, get(source, commit, snapshot, shard));
      }
    } else {
      require(source, HubLayout.SINGLE, get(source, commit, snapshot, HubLayout.SINGLE));
    }
  }

  private boolean get(ModelSource.Hf source, String commit, Path snapshot, String file)
      throws InterruptedException {
    Path target = snapshot.resolve(file);
    // A commit's files don't change, so one that an earlier attempt finished stands.
    return Files.isRegularFile(target) || get(source, commit, file, target, null);
  }

  private boolean get(
      ModelSource.Hf source, String commit, String file, Path target, @Nullable String sha256)
      throws InterruptedException {
    URI uri = connection.uri(source, commit, file);
    Download download = new Download(connection, progress, source, uri, target, sha256);
    return retries.run(source + ": " + file, download::attempt);
  }

  /// The commit that the revision is now.
  private String commit(ModelSource.Hf source) throws InterruptedException {
    if (HubLayout.COMMIT.matcher(source.revision()).matches()) {
      return source.revision();
    }
    String file = source.file() == null ? HubLayout.REQUIRED.getFirst() : source.file();
    URI uri = connection.uri(source, source.revision(), file);
    return retries.run(
        source.toString(),
        () -> {
          try (HubConnection.Answer answer = connection.send(source, "HEAD", uri, Map.of())) {
            require(source, file, answer.status() != 404);
            String commit = answer.linked().firstValue("X-Repo-Commit").orElse("");
            if (!HubLayout.COMMIT.matcher(commit).matches()) {
              throw new SourceException(
                  source
                      + ": "
                      + uri.getAuthority()
                      + " doesn't name a commit, as the hub would; check HF_ENDPOINT");
            }
            return commit;
          }
        });
  }

  private static void require(ModelSource.Hf source, String file, boolean there) {
    if (!there) {
      throw new SourceException(
          source
              + ": HTTP 404: no "
              + file
              + " in "
              + source.repository()
              + " at "
              + source.revision()
              + "; check the names of the repository, the revision and the file");
    }
  }
}
