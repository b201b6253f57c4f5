package dev.tributary.server.source;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Hugging Face's hub over HTTP, or a mirror of it (`HF_ENDPOINT`).
final class Hub implements AutoCloseable {
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(20);
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(60);
  private static final int MAX_REDIRECTS = 5;
  private static final int MAX_LISTING_BYTES = 16 << 20;
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(100).build())
                  .build())
          .build();

  private final Environment environment;
  private final URI endpoint;
  private final Optional<String> token;
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT_LIMIT)
          // Followed here, so that the token stays with the endpoint.
          .followRedirects(HttpClient.Redirect.NEVER)
          .build();

  Hub(Environment environment) throws IOException {
    this.environment = environment;
    this.endpoint = environment.hubEndpoint();
    this.token = token(environment);
  }

  private static Optional<String> token(Environment environment) throws IOException {
    Path file = environment.hubTokenFile();
    Optional<String> token = environment.variable("HF_TOKEN");
    if (token.isEmpty() && Files.isRegularFile(file)) {
      token = Optional.of(Files.readString(file)).filter(text -> !text.isBlank());
    }
    token = token.map(String::strip);
    if (token.isPresent() && !token.get().matches("[\\x21-\\x7e]{1,1000}")) {
      throw new SourceException("the token in HF_TOKEN or " + file + " has odd characters");
    }
    return token;
  }

  /// What the hub says of a file.
  ///
  /// @param commit the revision, resolved
  /// @param tag entity tag: the SHA-256 of a large file, git's name of a small one
  record FileInfo(String commit, String tag, long size) {}

  /// What the hub says of a revision: its files' paths.
  record Listing(String commit, List<String> files) {}

  /// @throws SourceException if it isn't there or may not be read
  FileInfo info(String repository, String revision, String file) throws IOException {
    HttpResponse<Void> response =
        follow("HEAD", address(repository, revision, file), 0, BodyHandlers.discarding(), true);
    requireSuccess(response, repository, revision, file);
    String commit = response.headers().firstValue("X-Repo-Commit").orElse("");
    String tag =
        response
            .headers()
            .firstValue("X-Linked-Etag")
            .or(() -> response.headers().firstValue("ETag"))
            .orElse("")
            .replaceFirst("^W/", "")
            .replace("\"", "");
    String size =
        response
            .headers()
            .firstValue("X-Linked-Size")
            .or(() -> response.headers().firstValue("Content-Length"))
            .orElse("");
    if (!COMMIT.matcher(commit).matches()
        || !tag.matches("[A-Za-z0-9_-]{1,128}")
        || !size.matches("[0-9]{1,18}")) {
      throw new SourceException(
          "%s is no hub: commit \"%s\", tag \"%s\", size \"%s\" for %s"
              .formatted(endpoint, commit, tag, size, file));
    }
    return new FileInfo(commit, tag, Long.parseLong(size));
  }

  /// The file's bytes from an offset on.
  HttpResponse<InputStream> open(String repository, String revision, String file, long from)
      throws IOException {
    HttpResponse<InputStream> response =
        follow(
            "GET", address(repository, revision, file), from, BodyHandlers.ofInputStream(), false);
    try {
      requireSuccess(response, repository, revision, file);
    } catch (IOException e) {
      response.body().close();
      throw e;
    }
    return response;
  }

  /// @throws SourceException if the repository isn't there or may not be read
  Listing list(String repository, String revision) throws IOException {
    URI address = resolve("/api/models/" + repository + "/revision/" + encode(revision));
    HttpResponse<InputStream> response =
        follow("GET", address, 0, BodyHandlers.ofInputStream(), false);
    byte[] text;
    try (InputStream body = response.body();
        StallGuard _ = new StallGuard(body, environment.stall())) {
      requireSuccess(response, repository, revision, "");
      text = body.readNBytes(MAX_LISTING_BYTES);
    }
    JsonNode root = JSON.readTree(text);
    List<String> files = new ArrayList<>();
    for (JsonNode sibling : root.path("siblings")) {
      files.add(sibling.path("rfilename").asText());
    }
    String commit = root.path("sha").asText();
    if (!COMMIT.matcher(commit).matches()) {
      throw new SourceException(endpoint + " is no hub: commit \"" + commit + "\"");
    }
    return new Listing(commit, files);
  }

  private URI address(String repository, String revision, String file) {
    String path = Stream.of(file.split("/", -1)).map(Hub::encode).collect(Collectors.joining("/"));
    return resolve("/" + repository + "/resolve/" + encode(revision) + "/" + path);
  }

  private URI resolve(String path) {
    return URI.create(endpoint + path);
  }

  private static String encode(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /// Sends a request and follows redirects; with `metadataOnly` not beyond the endpoint, as the hub
  /// itself describes the file and the storage it redirects to doesn't.
  private <T> HttpResponse<T> follow(
      String method, URI address, long from, BodyHandler<T> handler, boolean metadataOnly)
      throws IOException {
    URI at = address;
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      HttpResponse<T> response = send(request(method, at, from), handler);
      Optional<String> location = response.headers().firstValue("Location");
      if (response.statusCode() / 100 != 3 || location.isEmpty()) {
        return response;
      }
      URI next = at.resolve(location.get());
      if (metadataOnly && !sameOrigin(next)) {
        return response;
      }
      requireSafe(next);
      if (response.body() instanceof InputStream body) {
        body.close();
      }
      at = next;
    }
    throw new SourceException("more than %d redirects from %s".formatted(MAX_REDIRECTS, address));
  }

  private HttpRequest request(String method, URI at, long from) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(at)
            .method(method, HttpRequest.BodyPublishers.noBody())
            .timeout(ANSWER_LIMIT)
            .header("User-Agent", "tributary")
            .header("Accept-Encoding", "identity");
    if (from > 0) {
      request.header("Range", "bytes=" + from + "-");
    }
    if (token.isPresent() && sameOrigin(at)) {
      request.header("Authorization", "Bearer " + token.get());
    }
    return request.build();
  }

  private <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> handler) throws IOException {
    try {
      return client.send(request, handler);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while asking " + request.uri().getHost());
    }
  }

  private boolean sameOrigin(URI address) {
    return endpoint.getScheme().equals(address.getScheme())
        && endpoint.getHost().equals(address.getHost())
        && endpoint.getPort() == address.getPort();
  }

  private void requireSafe(URI next) throws SourceException {
    boolean http = "http".equals(next.getScheme());
    if (next.getHost() == null || !(http || "https".equals(next.getScheme()))) {
      throw new SourceException(endpoint + " redirects to " + next.getScheme() + ":");
    }
    if (http && "https".equals(endpoint.getScheme())) {
      throw new SourceException(endpoint + " redirects to " + next.getHost() + " without TLS");
    }
  }

  /// Returns for success and for a redirect with metadata.
  ///
  /// @throws SourceException if trying again is of no use, else another [IOException]
  private void requireSuccess(
      HttpResponse<?> response, String repository, String revision, String file)
      throws IOException {
    int status = response.statusCode();
    String what = "hf:" + repository + "@" + revision + (file.isEmpty() ? "" : "/" + file);
    switch (status) {
      case 401, 403 ->
          throw new SourceException(
              what
                  + " is not public, not there, or its licence must be accepted first: "
                  + (token.isPresent()
                      ? "the token in HF_TOKEN doesn't open it (see " + endpoint
                      : "set HF_TOKEN to a token that may read it (see " + endpoint)
                  + "/"
                  + repository
                  + ")");
      case 404 -> throw new SourceException(what + " is not there (HTTP 404): check the spelling");
      case 408, 425, 429 -> throw new IOException("HTTP status " + status);
      default -> {
        if (status >= 500) {
          throw new IOException("HTTP status " + status);
        }
        // 416 is the download's matter.
        if (status >= 400 && status != 416) {
          throw new SourceException("HTTP status " + status + " for " + what);
        }
      }
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
