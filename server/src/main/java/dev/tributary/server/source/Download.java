package dev.tributary.server.source;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.http.HttpResponse;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

/// Downloads one file of known size, resuming what is there and trying again when it breaks off.
final class Download {
  private static final int MAX_FAILURES = 5;
  private static final Duration MAX_PAUSE = Duration.ofSeconds(30);
  private static final int CHUNK_BYTES = 1 << 18;

  /// So much more than before counts as success: the failures before it are forgotten.
  private static final long PROGRESS_BYTES = 1 << 20;

  private static final int OK = 200;
  private static final int PARTIAL = 206;
  private static final int RANGE_NOT_SATISFIABLE = 416;

  private final Environment environment;
  private final Progress progress;
  private final String name;
  private final long size;

  /// @param name for people
  /// @param size in bytes
  Download(Environment environment, Progress progress, String name, long size) {
    this.environment = environment;
    this.progress = progress;
    this.name = name;
    this.size = size;
  }

  /// Asks for the file's bytes from an offset on.
  @FunctionalInterface
  interface Request {
    /// The answer, its headers received.
    ///
    /// @throws SourceException if trying again is of no use
    HttpResponse<InputStream> send(long from) throws IOException;
  }

  /// Brings `part` to the full size.
  ///
  /// @throws SourceException if it doesn't succeed; what is in `part` stays for the next time
  void to(Path part, Request request) throws IOException {
    long have = sizeOf(part);
    progress.begin(name, size, have);
    try {
      int failures = 0;
      while (have < size) {
        long before = have;
        try {
          receive(request.send(have), part, have);
        } catch (SourceException | FileSystemException | InterruptedIOException e) {
          throw e;
        } catch (IOException e) {
          failures =
              Files.exists(part) && sizeOf(part) - before > PROGRESS_BYTES ? 1 : failures + 1;
          if (failures == MAX_FAILURES) {
            throw new SourceException(
                "gave up on %s after %d failures (%s): try again, what is here is kept"
                    .formatted(name, failures, reason(e)),
                e);
          }
          progress.line("%s: %s; trying again".formatted(name, reason(e)));
          pause(failures);
        }
        have = sizeOf(part);
      }
    } finally {
      progress.end();
    }
  }

  static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  /// Size of what is there; 0 and an empty file if it is of no use.
  private long sizeOf(Path part) throws IOException {
    try {
      long have = Files.size(part);
      if (have <= size) {
        return have;
      }
    } catch (NoSuchFileException e) {
      Files.createDirectories(part.toAbsolutePath().getParent());
    }
    Files.write(part, new byte[0]);
    return 0;
  }

  private void receive(HttpResponse<InputStream> response, Path part, long from)
      throws IOException {
    try (InputStream body = response.body();
        StallGuard guard = new StallGuard(body, environment.stall())) {
      long at = start(response, part, from);
      try (OutputStream out = Files.newOutputStream(part, StandardOpenOption.WRITE, mode(at))) {
        byte[] chunk = new byte[CHUNK_BYTES];
        for (int count = body.read(chunk); count >= 0; count = body.read(chunk)) {
          if (count > size - at) {
            throw new SourceException("%s is longer than its %d bytes".formatted(name, size));
          }
          out.write(chunk, 0, count);
          at += count;
          guard.alive();
          progress.reached(at);
        }
      }
      if (at < size) {
        throw new IOException("broke off at byte %d of %d".formatted(at, size));
      }
    }
  }

  private static StandardOpenOption mode(long at) {
    return at == 0 ? StandardOpenOption.TRUNCATE_EXISTING : StandardOpenOption.APPEND;
  }

  /// The offset of the response's first byte: `from`, or 0 if the server doesn't resume.
  private long start(HttpResponse<InputStream> response, Path part, long from) throws IOException {
    int status = response.statusCode();
    if (status == OK) {
      return 0;
    }
    if (status == RANGE_NOT_SATISFIABLE) {
      Files.write(part, new byte[0]);
      throw new IOException("cannot be resumed at byte " + from);
    }
    String range = response.headers().firstValue("Content-Range").orElse("");
    if (status != PARTIAL || !range.startsWith("bytes " + from + "-")) {
      throw new IOException(
          "HTTP status %d with range \"%s\" for byte %d on".formatted(status, range, from));
    }
    return from;
  }

  private void pause(int failures) throws InterruptedIOException {
    Duration pause = environment.retryPause().multipliedBy(1L << (failures - 1));
    try {
      Thread.sleep(pause.compareTo(MAX_PAUSE) < 0 ? pause : MAX_PAUSE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while downloading " + name);
    }
  }
}
