package dev.tributary.server.source;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// Requests to the hub at `HF_ENDPOINT`. Follows its redirects, but shows `HF_TOKEN` to the hub
/// alone, and never goes from https to http.
final class HubConnection {
  /// The hub that its own client uses where `HF_ENDPOINT` is not set.
  static final String DEFAULT_ENDPOINT = "https://huggingface.co";

  private static final int MAX_REDIRECTS = 5;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(15);

  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(CONNECT_TIMEOUT)
          .build();

  private final URI endpoint;
  private final @Nullable String token;
  private final Duration patience;

  /// The end of a chain of redirects.
  ///
  /// @param linked the headers of the first answer, which is the hub's own
  /// @param body must be closed; a read that waits longer than the connection's patience fails
  record Answer(int status, HttpHeaders headers, HttpHeaders linked, InputStream body)
      implements AutoCloseable {
    Optional<String> header(String name) {
      return headers.firstValue(name);
    }

    @Override
    public void close() throws IOException {
      body.close();
    }
  }

  /// @param patience how long an answer, or the next byte of one, may take
  HubConnection(Map<String, String> environment, Duration patience) {
    this.endpoint = endpoint(environment);
    String secret = environment.getOrDefault("HF_TOKEN", "").strip();
    if (!secret.matches("[!-~]*")) {
      throw new SourceException("HF_TOKEN has characters that no token has");
    }
    this.token = secret.isEmpty() ? null : secret;
    this.patience = patience;
  }

  /// `HF_ENDPOINT`, or the hub's own.
  static URI endpoint(Map<String, String> environment) {
    String named = environment.getOrDefault("HF_ENDPOINT", "").strip().replaceAll("/+$", "");
    String address = named.isEmpty() ? DEFAULT_ENDPOINT : named;
    try {
      URI uri = URI.create(address);
      if (uri.getHost() != null && isHttp(uri)) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      throw new SourceException("HF_ENDPOINT is not an address: " + e.getMessage(), e);
    }
    throw new SourceException("HF_ENDPOINT is not an http or https address: " + address);
  }

  URI uri(ModelSource.Hf source, String revision, String file) {
    return uri(endpoint, source, revision, file);
  }

  static URI uri(URI endpoint, ModelSource.Hf source, String revision, String file) {
    StringBuilder uri = new StringBuilder(endpoint.toString());
    uri.append('/').append(source.repository()).append("/resolve/").append(revision);
    for (String name : file.split("/", -1)) {
      String encoded = URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
      uri.append('/').append(encoded);
    }
    return URI.create(uri.toString());
  }

  /// Sends `GET` or `HEAD`. A `HEAD` that is redirected away from the hub ends there, with the
  /// redirect as its answer: what is asked for are the hub's own headers.
  ///
  /// @param what the source, for messages
  /// @return an answer of status 2xx, 404, 416, or 3xx to a `HEAD`
  /// @throws IOException if another attempt may succeed; [SourceException] if none will
  Answer send(ModelSource.Hf what, String method, URI start, Map<String, String> headers)
      throws IOException, InterruptedException {
    URI uri = start;
    HttpHeaders linked = null;
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      HttpResponse<InputStream> response = once(method, uri, headers);
      int status = response.statusCode();
      linked = linked == null ? response.headers() : linked;
      if (!isRedirect(status)) {
        if (status / 100 != 2 && status != 404 && status != 416) {
          response.body().close();
          throw refused(what, uri, status);
        }
        InputStream body = new PatientStream(response.body(), patience);
        return new Answer(status, response.headers(), linked, body);
      }
      URI next = next(what, uri, response.headers());
      if (method.equals("HEAD") && !isHub(next)) {
        return new Answer(status, response.headers(), linked, response.body());
      }
      response.body().close();
      uri = next;
    }
    throw new SourceException(what + ": more than " + MAX_REDIRECTS + " redirects from " + start);
  }

  private HttpResponse<InputStream> once(String method, URI uri, Map<String, String> headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .method(method, HttpRequest.BodyPublishers.noBody())
            .timeout(patience)
            .header("User-Agent", "tributary")
            // Ranges and sizes are those of the file, not of a compressed form of it.
            .header("Accept-Encoding", "identity");
    headers.forEach(request::header);
    if (token != null && isHub(uri)) {
      request.header("Authorization", "Bearer " + token);
    }
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    } catch (ConnectException | HttpConnectTimeoutException e) {
      throw new IOException(
          "cannot reach " + uri.getAuthority() + "; check the network, or set HF_ENDPOINT", e);
    } catch (HttpTimeoutException e) {
      throw new IOException(
          uri.getAuthority() + " gave no answer in " + patience.toSeconds() + " s", e);
    }
  }

  private static URI next(ModelSource.Hf what, URI from, HttpHeaders headers) {
    String location = headers.firstValue("Location").orElse("");
    try {
      URI next = from.resolve(location);
      if (isHttp(next)
          && next.getHost() != null
          && (from.getScheme().equals("http") || next.getScheme().equals("https"))) {
        return next;
      }
    } catch (IllegalArgumentException e) {
      throw new SourceException(what + ": redirected to a bad address: " + e.getMessage(), e);
    }
    throw new SourceException(
        what + ": redirected from " + from.getAuthority() + " to where this server doesn't go");
  }

  /// Returns what may pass, throws what won't.
  private IOException refused(ModelSource.Hf what, URI uri, int status) {
    String answer = uri.getAuthority() + " answered HTTP " + status;
    if (status == 408 || status == 429 || status >= 500 || !isHub(uri)) {
      return new IOException(answer);
    }
    if (status == 401 || status == 403) {
      throw new SourceException(
          what
              + ": "
              + answer
              + ": the name is wrong, or the repository is private or gated; "
              + (token == null
                  ? "set HF_TOKEN to a token that may read it"
                  : "the token in HF_TOKEN may not read it: accept the repository's terms on its"
                      + " page, or set another"));
    }
    throw new SourceException(what + ": " + answer);
  }

  private boolean isHub(URI uri) {
    return uri.getScheme().equals(endpoint.getScheme())
        && uri.getHost().equalsIgnoreCase(endpoint.getHost())
        && uri.getPort() == endpoint.getPort();
  }

  private static boolean isHttp(URI uri) {
    return "https".equals(uri.getScheme()) || "http".equals(uri.getScheme());
  }

  private static boolean isRedirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  }

  /// A body whose reads are bounded in time; the client itself bounds only the wait for headers.
  private static final class PatientStream extends InputStream {
    private final InputStream body;
    private final Duration patience;

    PatientStream(InputStream body, Duration patience) {
      this.body = body;
      this.patience = patience;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      FutureTask<Integer> read = new FutureTask<>(() -> body.read(bytes, offset, length));
      Thread.startVirtualThread(read);
      try {
        return read.get(patience.toNanos(), TimeUnit.NANOSECONDS);
      } catch (ExecutionException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        throw new IOException("the connection broke: " + SourceException.reason(cause), cause);
      } catch (TimeoutException e) {
        read.cancel(true);
        throw new IOException("no byte came for " + patience.toSeconds() + " s", e);
      } catch (InterruptedException e) {
        read.cancel(true);
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }

    @Override
    public void close() throws IOException {
      body.close();
    }
  }
}
