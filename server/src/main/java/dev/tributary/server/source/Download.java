package dev.tributary.server.source;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// One file of the hub. What has come is in `NAME.part`, and the ETag of what it is a part of in
/// `NAME.part.etag`: a later attempt asks for the rest if the file is still the same, and starts
/// over if not (RFC 9110, sections 13.1.5 and 14).
///
/// Large files carry their size and SHA-256 in the hub's own headers, `X-Linked-Size` and
/// `X-Linked-Etag`; both are checked.
final class Download {
  /// A file whose size nobody says may have no more bytes than this.
  private static final long MAX_UNSIZED = 64 << 20;

  private static final Pattern RANGE = Pattern.compile("bytes (\\d{1,18})-\\d{1,18}/(\\d{1,18})");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  private final HubConnection hub;
  private final Progress progress;
  private final ModelSource.Hf source;
  private final URI uri;
  private final Path target;
  private final Path part;
  private final Path etag;
  private final @Nullable String pinned;

  /// @param pinned the SHA-256 that the file must have, or null to rely on the hub's
  Download(
      HubConnection hub,
      Progress progress,
      ModelSource.Hf source,
      URI uri,
      Path target,
      @Nullable String pinned) {
    this.hub = hub;
    this.progress = progress;
    this.source = source;
    this.uri = uri;
    this.target = target;
    this.part = target.resolveSibling(target.getFileName() + ".part");
    this.etag = target.resolveSibling(target.getFileName() + ".part.etag");
    this.pinned = pinned;
  }

  /// One attempt.
  ///
  /// @return false if the hub has no such file
  /// @throws IOException if another attempt may succeed; [SourceException] if none will
  boolean attempt() throws IOException, InterruptedException {
    Path folder = CacheFolder.folderOf(part);
    String known = Files.exists(part) && Files.exists(etag) ? Files.readString(etag) : "";
    long have = known.isEmpty() ? 0 : Files.size(part);
    Map<String, String> headers =
        have == 0 ? Map.of() : Map.of("Range", "bytes=" + have + "-", "If-Range", known);
    boolean resumed;
    long size;
    Optional<String> sha256;
    try (HubConnection.Answer answer = hub.send(source, "GET", uri, headers)) {
      if (answer.status() == 404) {
        return false;
      }
      resumed = answer.status() == 206;
      if (answer.status() == 416 || (resumed && !continues(answer, have, known))) {
        forget();
        throw new IOException("the hub's file is another than the one begun");
      }
      have = resumed ? have : 0;
      size = size(answer, have);
      sha256 = linked(answer, "X-Linked-Etag").filter(SHA256.asMatchPredicate());
      CacheFolder.requireSpace(folder, size - have);
      receive(answer, have, size);
    }
    if (size >= 0 && Files.size(part) != size) {
      throw new IOException("only " + Files.size(part) + " of " + size + " bytes came");
    }
    check(pinned == null ? sha256.orElse(null) : pinned, resumed);
    CacheFolder.finish(part, target);
    Files.deleteIfExists(etag);
    progress.end();
    return true;
  }

  private static boolean continues(HubConnection.Answer answer, long have, String known) {
    Matcher range = RANGE.matcher(answer.header("Content-Range").orElse(""));
    return range.matches()
        && Long.parseLong(range.group(1)) == have
        && answer.header("ETag").orElse(known).equals(known);
  }

  /// Bytes of the whole file, or -1.
  private static long size(HubConnection.Answer answer, long have) {
    String linked = linked(answer, "X-Linked-Size").orElse("");
    if (linked.matches("\\d{1,18}")) {
      return Long.parseLong(linked);
    }
    long rest = answer.headers().firstValueAsLong("Content-Length").orElse(-1);
    return rest < 0 ? -1 : have + rest;
  }

  /// A header of the hub's own answer, without an ETag's quotes.
  private static Optional<String> linked(HubConnection.Answer answer, String name) {
    return answer.linked().firstValue(name).map(value -> value.replaceAll("^(W/)?\"|\"$", ""));
  }

  private void receive(HubConnection.Answer answer, long have, long size) throws IOException {
    if (have == 0) {
      forget();
      // Only a strong ETag says that the bytes are the same.
      String tag = answer.header("ETag").orElse("");
      if (tag.startsWith("\"")) {
        Files.writeString(etag, tag);
      }
    }
    progress.start(target.getFileName().toString(), have, size);
    try (OutputStream out =
        Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      CacheFolder.copy(answer.body(), out, part, size < 0 ? MAX_UNSIZED : size - have, progress);
    }
  }

  private void check(@Nullable String sha256, boolean resumed) throws IOException {
    if (sha256 == null) {
      return;
    }
    String actual = CacheFolder.sha256(part);
    if (actual.equals(sha256)) {
      return;
    }
    forget();
    String problem = "the SHA-256 is " + actual + ", expected " + sha256;
    if (resumed) {
      throw new IOException(problem + "; what an earlier attempt left is not used");
    }
    throw new SourceException(
        source + ": " + target.getFileName() + ": " + problem + "; it is not used");
  }

  private void forget() throws IOException {
    Files.deleteIfExists(part);
    Files.deleteIfExists(etag);
  }
}
