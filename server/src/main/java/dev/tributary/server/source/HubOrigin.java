package dev.tributary.server.source;

import dev.tributary.identity.BaseDigest;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A file of a repository on Hugging Face's hub, or what makes a model of its files.
///
/// @param revision branch, tag or commit
/// @param file empty for a folder: the files that count for a base's identity and
///   `generation_config.json`
/// @param sha256 the file's digest, if it is pinned; else what the hub says
record HubOrigin(
    String owner,
    String repository,
    String revision,
    Optional<String> file,
    Optional<String> sha256)
    implements Origin {
  private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}";
  private static final Pattern FORM =
      Pattern.compile("(" + NAME + ")/(" + NAME + ")(?:@(" + NAME + "))?(?:/(.+))?");

  private static final int MAX_FILES = 1_000;

  HubOrigin {
    file.ifPresent(RelativeFile::require);
  }

  /// @param text what follows `hf:`
  static HubOrigin parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches() || text.contains("..")) {
      throw new IllegalArgumentException(
          "expected hf:owner/repo[@revision][/file], found hf:" + text);
    }
    return new HubOrigin(
        matcher.group(1),
        matcher.group(2),
        Optional.ofNullable(matcher.group(3)).orElse("main"),
        Optional.ofNullable(matcher.group(4)),
        Optional.empty());
  }

  private String name() {
    return owner + "/" + repository;
  }

  @Override
  public Optional<Path> cached(Environment environment) throws IOException {
    HubCache cache = HubCache.of(environment, owner, repository);
    Optional<Path> path =
        cache.commit(revision).map(c -> cache.snapshot(c).resolve(file.orElse("config.json")));
    if (path.isEmpty()
        || !Files.isRegularFile(path.get())
        || (sha256.isPresent() && !Checksum.sha256(sha256.get()).matches(path.get()))) {
      return Optional.empty();
    }
    return file.isPresent() ? path : path.map(Path::getParent);
  }

  @Override
  public Path fetch(Environment environment, Progress progress) throws IOException {
    if (environment.hubOffline()) {
      return cached(environment)
          .orElseThrow(
              () -> new SourceException(this + " is not in the cache, and HF_HUB_OFFLINE is set"));
    }
    HubCache cache = HubCache.of(environment, owner, repository);
    try (Hub hub = new Hub(environment)) {
      String commit;
      Path result;
      if (file.isPresent()) {
        Hub.FileInfo info = hub.info(name(), revision, file.get());
        commit = info.commit();
        result = fetchFile(hub, cache, info, file.get(), environment, progress);
      } else {
        Hub.Listing listing = hub.list(name(), revision);
        commit = listing.commit();
        for (String wanted : wanted(listing)) {
          Hub.FileInfo info = hub.info(name(), commit, wanted);
          fetchFile(hub, cache, info, wanted, environment, progress);
        }
        result = cache.snapshot(commit);
      }
      cache.remember(revision, commit);
      return result;
    } catch (SourceException | FileSystemException | InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      return fromCache(environment, progress, e);
    }
  }

  /// What to load if the hub doesn't answer.
  private Path fromCache(Environment environment, Progress progress, IOException why)
      throws IOException {
    Path path =
        cached(environment)
            .orElseThrow(
                () ->
                    new SourceException(
                        "no answer for %s (%s): check the network, or set HF_ENDPOINT to a mirror"
                            .formatted(this, Download.reason(why)),
                        why));
    progress.line("no answer from the hub (%s): using %s".formatted(Download.reason(why), path));
    return path;
  }

  private List<String> wanted(Hub.Listing listing) throws SourceException {
    List<String> wanted = new ArrayList<>();
    List<String> models = new ArrayList<>();
    for (String name : listing.files()) {
      if (BaseDigest.counts(name) || name.equals("generation_config.json")) {
        wanted.add(name);
      } else if (name.endsWith(".gguf")) {
        models.add(this + "/" + name);
      }
    }
    if (!wanted.contains("config.json") || wanted.size() > MAX_FILES) {
      throw new SourceException(
          this
              + " is no model folder with a config.json"
              + (models.isEmpty() ? "" : "; name one of its files: " + String.join(", ", models)));
    }
    return wanted;
  }

  private Path fetchFile(
      Hub hub,
      HubCache cache,
      Hub.FileInfo info,
      String name,
      Environment environment,
      Progress progress)
      throws IOException {
    Path target = cache.snapshot(info.commit()).resolve(name);
    Path blob = cache.blob(info.tag());
    Optional<Checksum> stated = Checksum.ofTag(info.tag());
    Optional<Checksum> expected = sha256.map(Checksum::sha256).or(() -> stated);
    try (FetchLock _ = FetchLock.of(blob, progress)) {
      if (Files.isRegularFile(target)
          && (sha256.isEmpty() || Checksum.sha256(sha256.get()).matches(target))) {
        return target;
      }
      if (sha256.isPresent() && info.tag().length() == 64 && !info.tag().equals(sha256.get())) {
        throw new SourceException(
            "%s has the SHA-256 %s now, expected %s".formatted(this, info.tag(), sha256.get()));
      }
      if (!Files.isRegularFile(blob) || (expected.isPresent() && !expected.get().matches(blob))) {
        Path part = blob.resolveSibling(info.tag() + ".part");
        new Download(environment, progress, name, info.size())
            .to(part, from -> hub.open(name(), info.commit(), name, from));
        if (expected.isPresent()) {
          expected.get().require(part, this.toString());
        }
        Files.move(part, blob, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      }
      cache.link(info.tag(), info.commit(), name);
      return target;
    }
  }

  @Override
  public String toString() {
    return "hf:" + name() + "@" + revision + file.map(f -> "/" + f).orElse("");
  }
}
