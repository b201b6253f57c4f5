package dev.tributary.server.source;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What fetching depends on besides the source: variables, the user's folders, time limits.
///
/// @param variables environment variables
/// @param home the user's home folder
/// @param os `os.name`
/// @param python the command that starts Python 3
/// @param retryPause wait before the first retry; it doubles each time
/// @param stall longest time without a byte of a download
record Environment(
    Map<String, String> variables,
    Path home,
    String os,
    List<String> python,
    Duration retryPause,
    Duration stall) {
  Environment {
    variables = Map.copyOf(variables);
    python = List.copyOf(python);
  }

  static Environment ofProcess() {
    String os = System.getProperty("os.name");
    return new Environment(
        System.getenv(),
        Path.of(System.getProperty("user.home")),
        os,
        List.of(os.startsWith("Windows") ? "python" : "python3"),
        Duration.ofSeconds(1),
        Duration.ofSeconds(60));
  }

  /// The variable, if it is set and not empty.
  Optional<String> variable(String name) {
    return Optional.ofNullable(variables.get(name)).filter(value -> !value.isBlank());
  }

  /// Our own folder under the user's cache folder.
  Path cache() {
    String system = os.toLowerCase(Locale.ROOT);
    Path base;
    if (system.startsWith("windows")) {
      base = variable("LOCALAPPDATA").map(Path::of).orElse(home.resolve("AppData/Local"));
    } else if (system.startsWith("mac")) {
      base = home.resolve("Library/Caches");
    } else {
      base = variable("XDG_CACHE_HOME").map(Path::of).orElse(home.resolve(".cache"));
    }
    return base.resolve("tributary");
  }

  /// `HF_HOME`, where Hugging Face's tools keep token and cache.
  private Path hubHome() {
    Path cache = variable("XDG_CACHE_HOME").map(Path::of).orElse(home.resolve(".cache"));
    return variable("HF_HOME").map(Path::of).orElse(cache.resolve("huggingface"));
  }

  /// Hugging Face's cache of repositories.
  Path hubCache() {
    return variable("HF_HUB_CACHE").map(Path::of).orElse(hubHome().resolve("hub"));
  }

  /// Where `huggingface-cli login` leaves the token.
  Path hubTokenFile() {
    return variable("HF_TOKEN_PATH").map(Path::of).orElse(hubHome().resolve("token"));
  }

  /// Without a slash at its end.
  ///
  /// @throws SourceException if it is no http address
  URI hubEndpoint() throws SourceException {
    String text = variable("HF_ENDPOINT").orElse("https://huggingface.co");
    try {
      URI uri = URI.create(text.replaceFirst("/+$", ""));
      if (uri.getHost() != null && List.of("http", "https").contains(uri.getScheme())) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      throw new SourceException("expected an http address in HF_ENDPOINT, found " + text, e);
    }
    throw new SourceException("expected an http address in HF_ENDPOINT, found " + text);
  }

  /// Whether the user asked for no network at all.
  boolean hubOffline() {
    return variable("HF_HUB_OFFLINE")
        .map(value -> List.of("1", "on", "yes", "true").contains(value.toLowerCase(Locale.ROOT)))
        .orElse(false);
  }
}
