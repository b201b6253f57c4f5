package dev.tributary.server.source;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// A file or folder that the user has.
record LocalOrigin(Path path) implements Origin {
  static final String FORMS =
      "path/to/model.gguf, path/to/hf-dir, hf:owner/repo[@revision][/file] or"
          + " pip:package==version/file";

  @Override
  public Path fetch(Environment environment, Progress progress) throws SourceException {
    return cached(environment)
        .orElseThrow(
            () ->
                new SourceException(
                    "there is no model at %s (%s); a model is named by %s"
                        .formatted(path, path.toAbsolutePath(), FORMS)));
  }

  @Override
  public Optional<Path> cached(Environment environment) {
    return Optional.of(path).filter(p -> Files.isRegularFile(p) || Files.isDirectory(p));
  }
}
