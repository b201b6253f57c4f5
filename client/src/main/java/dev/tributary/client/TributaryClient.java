package dev.tributary.client;

import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.CountTokensRequest;
import dev.tributary.v1.CountTokensResponse;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.GetModelRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.ListAdaptersRequest;
import dev.tributary.v1.ListAdaptersResponse;
import dev.tributary.v1.Model;
import dev.tributary.v1.ScoreRequest;
import dev.tributary.v1.ScoreResponse;
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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// A client of one Tributary server; safe for use by many threads. Closing it cancels what is still
/// running.
public final class TributaryClient implements AutoCloseable {
  /// Longest response in bytes; an answer with many log-probabilities is long.
  private static final int MAX_RESPONSE_BYTES = 64 << 20;

  /// For calls that don't run the model.
  private static final int QUICK_SECONDS = 30;

  private static final int PAGE_SIZE = 1_000;

  /// Pages of one list; a server that never ends must not keep a client forever.
  private static final int MAX_PAGES = 1_000;

  private final ManagedChannel channel;
  private final InferenceGrpc.InferenceBlockingStub inference;
  private final AdaptersGrpc.AdaptersBlockingStub adapters;

  private TributaryClient(ManagedChannel channel, ClientOptions options) {
    this.channel = channel;
    this.inference = configured(InferenceGrpc.newBlockingStub(channel), options);
    this.adapters = configured(AdaptersGrpc.newBlockingStub(channel), options);
  }

  /// A client of the server at `target`, `HOST:PORT` or another gRPC name. Connects with the first
  /// call.
  ///
  /// @throws IOException if the certificates cannot be read, or the target is not a name
  public static TributaryClient connect(String target, ClientOptions options) throws IOException {
    ChannelCredentials credentials = InsecureChannelCredentials.create();
    if (options.tlsCa().isPresent()) {
      Path certificates = options.tlsCa().get();
      credentials = TlsChannelCredentials.newBuilder().trustManager(certificates.toFile()).build();
    }
    try {
      ManagedChannel channel =
          Grpc.newChannelBuilder(target, credentials)
              .maxInboundMessageSize(MAX_RESPONSE_BYTES)
              .build();
      return new TributaryClient(channel, options);
    } catch (ManagedChannelRegistry.ProviderNotFoundException e) {
      // How gRPC says that the transport could not use the target or the certificates.
      throw new IOException("cannot connect to " + target + ": " + e.getMessage(), e);
    }
  }

  /// A client over a channel that is there already; it is shut down with the client.
  public static TributaryClient over(ManagedChannel channel, ClientOptions options) {
    return new TributaryClient(channel, options);
  }

  /// Starts a generation and streams it. Close the answer to cancel it.
  public Answer generate(GenerateRequest request) {
    return new Answer(() -> inference.generate(request));
  }

  /// Generates one whole answer.
  ///
  /// @throws TributaryException if the call failed
  public GenerateResponse generateOnce(GenerateRequest request) {
    return calling(() -> inference.generateOnce(request));
  }

  /// Log-probabilities of given completions.
  ///
  /// @throws TributaryException if the call failed
  public ScoreResponse score(ScoreRequest request) {
    return calling(() -> inference.score(request));
  }

  /// What an input would cost.
  ///
  /// @throws TributaryException if the call failed
  public CountTokensResponse countTokens(CountTokensRequest request) {
    return calling(() -> quick(inference).countTokens(request));
  }

  /// The resident base and the server's limits.
  ///
  /// @throws TributaryException if the call failed
  public Model model() {
    return calling(() -> quick(inference).getModel(GetModelRequest.getDefaultInstance()));
  }

  /// One adapter by `name` or `tenant/name`.
  ///
  /// @throws TributaryException if the call failed; its code is NOT_FOUND where there is none
  public Adapter adapter(String name) {
    return calling(
        () -> quick(adapters).getAdapter(GetAdapterRequest.newBuilder().setName(name).build()));
  }

  /// All adapters that the caller can name, by name.
  ///
  /// @throws TributaryException if a call failed
  public List<Adapter> adapters() {
    List<Adapter> all = new ArrayList<>();
    ListAdaptersRequest.Builder request = ListAdaptersRequest.newBuilder().setPageSize(PAGE_SIZE);
    for (int page = 0; page < MAX_PAGES; page++) {
      ListAdaptersResponse response = calling(() -> quick(adapters).listAdapters(request.build()));
      all.addAll(response.getAdaptersList());
      if (response.getNextPageToken().isEmpty()) {
        return all;
      }
      request.setPageToken(response.getNextPageToken());
    }
    throw new IllegalStateException("the server's list has more than " + MAX_PAGES + " pages");
  }

  /// Cancels what is still running and closes the connection.
  @Override
  public void close() {
    channel.shutdownNow();
  }

  private static <S extends AbstractStub<S>> S configured(S stub, ClientOptions options) {
    return options
        .apiKey()
        .map(key -> stub.withCallCredentials((CallCredentials) new BearerKey(key)))
        .orElse(stub);
  }

  private static <S extends AbstractStub<S>> S quick(S stub) {
    return stub.withDeadlineAfter(QUICK_SECONDS, TimeUnit.SECONDS);
  }

  private static <T> T calling(Supplier<T> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException e) {
      throw new TributaryException(e);
    }
  }
}
