package dev.tributary.server.source;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The same file from the first place that has it, what is on this machine first.
record FirstOf(List<Origin> origins) implements Origin {
  FirstOf {
    origins = List.copyOf(origins);
  }

  @Override
  public Path fetch(Environment environment, Progress progress) throws IOException {
    Optional<Path> here = cached(environment);
    if (here.isPresent()) {
      progress.line("model: " + here.get() + " (local cache)");
      return here.get();
    }
    List<String> failures = new ArrayList<>();
    for (Origin origin : origins) {
      try {
        Path path = origin.fetch(environment, progress);
        progress.line("model: " + path + " (from " + origin + ")");
        return path;
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException e) {
        String failure = "%s: %s".formatted(origin, Download.reason(e));
        progress.line("not from " + failure);
        failures.add(failure);
      }
    }
    throw new SourceException(
        "the model could not be had from any place:\n  "
            + String.join("\n  ", failures)
            + "\nName a model that is on this machine: "
            + LocalOrigin.FORMS);
  }

  @Override
  public Optional<Path> cached(Environment environment) throws IOException {
    for (Origin origin : origins) {
      Optional<Path> path = origin.cached(environment);
      if (path.isPresent()) {
        return path;
      }
    }
    return Optional.empty();
  }
}
