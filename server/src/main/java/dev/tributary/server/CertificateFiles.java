package dev.tributary.server;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tributary.server.model.Certificate;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Certificates on disk, a file for each base and source: `BASE-SOURCE.json`, their digests in hex.
/// A later measurement takes the place of an earlier one.
final class CertificateFiles {
  private static final Logger log = LoggerFactory.getLogger(CertificateFiles.class);

  /// Told at a time, and looked at.
  private static final int MOST = 100;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .visibility(PropertyAccessor.FIELD, JsonAutoDetect.Visibility.ANY)
          .build();

  private final Path folder;

  CertificateFiles(Path folder) {
    this.folder = folder;
  }

  /// Keeps a certificate; it is there, whole, or the one before is.
  void keep(Certificate certificate) throws IOException {
    Files.createDirectories(folder);
    Path file =
        folder.resolve(
            hex(certificate.baseDigest()) + "-" + hex(certificate.sourceDigest()) + ".json");
    Path part = file.resolveSibling(file.getFileName() + ".part");
    try (FileChannel channel =
        FileChannel.open(
            part,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer bytes =
          ByteBuffer.wrap(JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(certificate));
      while (bytes.hasRemaining()) {
        int unused = channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /// Those of a base, newest first. One that cannot be read is left out, with a line in the log.
  List<Certificate> of(String baseDigest) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Path> files;
    try (Stream<Path> entries = Files.list(folder)) {
      String prefix = hex(baseDigest) + "-";
      files =
          entries
              .filter(file -> file.getFileName().toString().startsWith(prefix))
              .filter(file -> file.getFileName().toString().endsWith(".json"))
              .limit(MOST)
              .toList();
    }
    List<Certificate> found = new ArrayList<>();
    for (Path file : files) {
      try {
        found.add(JSON.readValue(Files.readAllBytes(file), Certificate.class));
      } catch (IOException | RuntimeException e) {
        log.warn("{} is no certificate", file, e);
      }
    }
    found.sort(Comparator.comparingLong(Certificate::time).reversed());
    return found;
  }

  private static String hex(String digest) {
    return digest.substring(digest.indexOf(':') + 1);
  }
}
