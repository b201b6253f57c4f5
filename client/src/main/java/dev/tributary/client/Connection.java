package dev.tributary.client;

import io.grpc.CallCredentials;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelRegistry;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.AbstractStub;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/// One channel to one server, and how calls are made over it.
record Connection(ManagedChannel channel, ClientOptions options) implements AutoCloseable {
  /// Longest response in bytes; an answer with many log-probabilities is long.
  private static final int MAX_RESPONSE_BYTES = 64 << 20;

  /// For calls that neither run the model nor move weights.
  private static final Duration QUICK = Duration.ofSeconds(30);

  /// A call in progress asks after so long without a sign whether the server is still there, so
  /// that a watch or an upload notices a connection that died without a word. Servers permit it
  /// every 10 s.
  private static final int KEEP_ALIVE_SECONDS = 60;

  private static final int KEEP_ALIVE_TIMEOUT_SECONDS = 20;

  static final int PAGE_SIZE = 1_000;

  /// Pages of one list; a server that never ends must not keep a client forever.
  private static final int MAX_PAGES = 1_000;

  /// A page of a list, and the token of the next; empty on the last.
  record Page<T>(List<T> items, String next) {}

  /// Connects with the first call.
  ///
  /// @throws IOException if the certificates cannot be read, or the target is not a name
  static Connection open(String target, ClientOptions options) throws IOException {
    try {
      ManagedChannel channel =
          Grpc.newChannelBuilder(target, credentials(options))
              .maxInboundMessageSize(MAX_RESPONSE_BYTES)
              .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
              .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
              .build();
      return new Connection(channel, options);
    } catch (ManagedChannelRegistry.ProviderNotFoundException | IllegalArgumentException e) {
      // How gRPC says that the transport could not use the target, the certificates or the key.
      throw new IOException("cannot connect to " + target + ": " + e.getMessage(), e);
    }
  }

  private static ChannelCredentials credentials(ClientOptions options) throws IOException {
    if (options.tlsCa().isEmpty() && options.tlsIdentity().isEmpty()) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
    if (options.tlsCa().isPresent()) {
      tls.trustManager(options.tlsCa().get().toFile());
    }
    if (options.tlsIdentity().isPresent()) {
      ClientOptions.TlsIdentity identity = options.tlsIdentity().get();
      tls.keyManager(identity.certificates().toFile(), identity.key().toFile());
    }
    return tls.build();
  }

  /// A stub that sends the key.
  <S extends AbstractStub<S>> S configured(S stub) {
    return options
        .apiKey()
        .map(key -> stub.withCallCredentials((CallCredentials) new BearerKey(key)))
        .orElse(stub);
  }

  static <S extends AbstractStub<S>> S quick(S stub) {
    return within(stub, QUICK);
  }

  static <S extends AbstractStub<S>> S within(S stub, Duration time) {
    return stub.withDeadlineAfter(time.toMillis(), TimeUnit.MILLISECONDS);
  }

  /// @throws TributaryException if the call failed
  static <T> T calling(Supplier<T> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException e) {
      throw new TributaryException(e);
    }
  }

  /// All items of a list.
  ///
  /// @param fetch the page of a token; the first token is empty
  /// @throws TributaryException if a call failed
  static <T> List<T> pages(Function<String, Page<T>> fetch) {
    List<T> all = new ArrayList<>();
    String token = "";
    for (int page = 0; page < MAX_PAGES; page++) {
      String wanted = token;
      Page<T> fetched = calling(() -> fetch.apply(wanted));
      all.addAll(fetched.items());
      if (fetched.next().isEmpty()) {
        return all;
      }
      token = fetched.next();
    }
    throw new IllegalStateException("the server's list has more than " + MAX_PAGES + " pages");
  }

  /// Cancels what is still running.
  @Override
  public void close() {
    channel.shutdownNow();
  }
}
