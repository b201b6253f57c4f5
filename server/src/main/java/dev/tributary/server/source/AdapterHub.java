package dev.tributary.server.source;

import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// Adapters of the Hugging Face hub, fetched for tenants (architecture.md, "Model sources").
///
/// A caller names a repository and nothing else: the endpoint is the operator's, the two files are
/// those of a PEFT folder, no token of the server's is shown to anyone, nothing is cached, and a
/// redirect leads to public addresses only ([PublicHttp]).
public final class AdapterHub {
  /// The files of an adapter; the first tells the commit at which the others are taken.
  private static final List<String> FILES =
      List.of("adapter_config.json", "adapter_model.safetensors");

  private static final int MAX_REDIRECTS = 5;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /// Takes the files.
  public interface Sink {
    /// Reads the file to its end.
    void file(String name, ReadableByteChannel bytes) throws IOException;
  }

  private final URI endpoint;
  private final PublicHttp http;

  /// @param environment of which `HF_ENDPOINT` counts; an endpoint that the operator has named may
  ///   be in a private network
  /// @throws SourceException if it has a value that can't be used
  public AdapterHub(Map<String, String> environment) {
    this(environment, InetAddress::getAllByName, PATIENCE);
  }

  AdapterHub(Map<String, String> environment, PublicHttp.Resolver resolver, Duration patience) {
    boolean named = !environment.getOrDefault("HF_ENDPOINT", "").isBlank();
    endpoint = HubConnection.endpoint(environment);
    http = new PublicHttp(resolver, named ? endpoint : null, patience);
  }

  /// Fetches the files of `hf:owner/repo[@rev]`.
  ///
  /// @throws UnreachableException if another attempt may succeed
  /// @throws IllegalArgumentException if none will; says why
  /// @throws IOException from the sink
  public void fetch(String source, Sink sink) throws IOException {
    if (!(ModelSource.parse(source) instanceof ModelSource.Hf repository)
        || repository.file() != null) {
      throw new IllegalArgumentException("an adapter of the hub is hf:owner/repo[@rev]");
    }
    String revision = repository.revision();
    for (String file : FILES) {
      URI uri = HubConnection.uri(endpoint, repository, revision, file);
      String commit = fetch(repository, uri, file, sink);
      if (HubLayout.COMMIT.matcher(commit).matches()) {
        revision = commit;
      }
    }
  }

  /// @return what the hub's own answer calls the commit; empty if it does not
  private String fetch(ModelSource.Hf source, URI start, String file, Sink sink)
      throws IOException {
    URI uri = start;
    String commit = "";
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      try (PublicHttp.Answer answer = get(source, uri)) {
        if (hop == 0) {
          commit = answer.header("x-repo-commit").orElse("");
        }
        int status = answer.status();
        if (status / 100 == 3) {
          uri = next(source, uri, answer.header("location").orElse(""));
          continue;
        }
        require(source, file, status);
        sink.file(file, new Body(source + ": " + file, Channels.newChannel(answer.body())));
        return commit;
      }
    }
    throw new IllegalArgumentException(source + ": more than " + MAX_REDIRECTS + " redirects");
  }

  private PublicHttp.Answer get(ModelSource.Hf source, URI uri) throws IOException {
    try {
      return http.get(uri);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(source + ": " + e.getMessage(), e);
    } catch (UnknownHostException e) {
      throw new UnreachableException(source + ": no address is known of " + uri.getHost(), e);
    } catch (IOException e) {
      throw new UnreachableException(source + ": " + SourceException.reason(e), e);
    }
  }

  private static URI next(ModelSource.Hf source, URI from, String location) {
    try {
      return from.resolve(location);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(source + ": redirected to a bad address", e);
    }
  }

  private static void require(ModelSource.Hf source, String file, int status) throws IOException {
    if (status == 401 || status == 403 || status == 404) {
      // The hub says 401 of what does not exist, too.
      throw new IllegalArgumentException(
          "%s: HTTP %d: no %s that everybody may read".formatted(source, status, file));
    }
    if (status == 408 || status == 429 || status >= 500) {
      throw new UnreachableException("%s: the hub answered HTTP %d".formatted(source, status));
    }
    if (status != 200) {
      throw new IllegalArgumentException("%s: the hub answered HTTP %d".formatted(source, status));
    }
  }

  /// A body whose failures are told from those of where it is written to.
  private record Body(String what, ReadableByteChannel channel) implements ReadableByteChannel {
    @Override
    public int read(ByteBuffer into) throws UnreachableException {
      try {
        return channel.read(into);
      } catch (IOException e) {
        throw new UnreachableException(what + ": " + SourceException.reason(e), e);
      }
    }

    @Override
    public boolean isOpen() {
      return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
