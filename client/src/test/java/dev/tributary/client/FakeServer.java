package dev.tributary.client;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import dev.tributary.v1.AdapterUse;
import dev.tributary.v1.CountTokensRequest;
import dev.tributary.v1.CountTokensResponse;
import dev.tributary.v1.Delta;
import dev.tributary.v1.FinishReason;
import dev.tributary.v1.Finished;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.GetModelRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.Model;
import dev.tributary.v1.ReplayRequest;
import dev.tributary.v1.ReplayResult;
import dev.tributary.v1.ScoreRequest;
import dev.tributary.v1.ScoreResponse;
import dev.tributary.v1.Started;
import dev.tributary.v1.Tier;
import dev.tributary.v1.Timings;
import dev.tributary.v1.TokenLogprob;
import dev.tributary.v1.Usage;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/// A server without a model: it answers with the adapter's name and the last message, and fails or
/// hangs on command.
public final class FakeServer implements AutoCloseable {
  /// A message with this content is answered in part, and then never ends.
  public static final String HANG = "hang";

  public static final String DIGEST = "sha256:" + "0123456789abcdef".repeat(4);

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  /// What was asked, in order.
  public final Queue<GenerateRequest> generated = new ConcurrentLinkedQueue<>();

  public final Queue<ScoreRequest> scored = new ConcurrentLinkedQueue<>();

  /// The authorization headers, in order; `none` where a call had none.
  public final Queue<String> authorizations = new ConcurrentLinkedQueue<>();

  /// Counted down when a hanging answer is cancelled.
  public final CountDownLatch cancelled = new CountDownLatch(1);

  /// What every call fails with, if anything.
  public volatile @Nullable StatusRuntimeException failure;

  /// What an answer's text is, instead of the usual one.
  public volatile @Nullable String text;

  public final FakeAdapters adapters = new FakeAdapters(this);

  public final FakeAdmin admin = new FakeAdmin(this);

  public final FakeProvenance provenance = new FakeProvenance(this);

  public final FakeTrainings trainings = new FakeTrainings(this);

  /// What replays were asked for, in order.
  public final Queue<ReplayRequest> replayed = new ConcurrentLinkedQueue<>();

  /// How the next replays end; without one they end without a result.
  public final Queue<ReplayResult> replays = new ConcurrentLinkedQueue<>();

  /// The tokens that a replay sends.
  public volatile List<Integer> replayTokens = List.of();

  /// The text that a replay sends with them.
  public volatile String replayText = "";

  private final String name = InProcessServerBuilder.generateName();
  private final Server server;

  public FakeServer() throws IOException {
    server =
        InProcessServerBuilder.forName(name)
            .addService(new FakeInference())
            .addService(adapters)
            .addService(admin)
            .addService(provenance)
            .addService(trainings)
            .intercept(new Recorder())
            .build()
            .start();
  }

  /// A client that does not wait between tries.
  public TributaryClient client(ClientOptions options) {
    return TributaryClient.over(channel(), options, time -> {});
  }

  /// The same services on a port of this machine.
  ///
  /// @param port 0 for any
  Server listen(int port, ServerCredentials credentials) throws IOException {
    return Grpc.newServerBuilderForPort(port, credentials)
        .addService(new FakeInference())
        .addService(adapters)
        .build()
        .start();
  }

  /// A channel of its own for each caller.
  public ManagedChannel channel() {
    return InProcessChannelBuilder.forName(name).build();
  }

  /// A status with rich details.
  public static StatusRuntimeException status(
      Status.Code code, String message, Message... details) {
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage(message);
    for (Message detail : details) {
      status.addDetails(Any.pack(detail));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private final class Recorder implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      String authorization = headers.get(AUTHORIZATION);
      authorizations.add(authorization == null ? "none" : authorization);
      return next.startCall(call, headers);
    }
  }

  <T> boolean failed(StreamObserver<T> observer) {
    StatusRuntimeException status = failure;
    if (status != null) {
      observer.onError(status);
    }
    return status != null;
  }

  <T> void answer(StreamObserver<T> observer, T response) {
    if (!failed(observer)) {
      observer.onNext(response);
      observer.onCompleted();
    }
  }

  private static Started started(GenerateRequest request) {
    Started.Builder started =
        Started.newBuilder().setGenerationId("g-1").setBaseDigest(DIGEST).setPromptTokens(7);
    request
        .getAdaptersList()
        .forEach(
            selector ->
                started.addAdapters(
                    AdapterUse.newBuilder()
                        .setName("public/" + selector.getName())
                        .setVersion(selector.getNumber() == 0 ? 1 : selector.getNumber())
                        .setDigest(DIGEST)
                        .setTier(Tier.TIER_DEVICE)
                        .setScale(selector.hasScale() ? selector.getScale() : 1)));
    return started.build();
  }

  private String text(GenerateRequest request) {
    String scripted = text;
    if (scripted != null) {
      return scripted;
    }
    String who = request.getAdaptersCount() == 0 ? "base" : request.getAdapters(0).getName();
    return who + " says: " + last(request);
  }

  private static String last(GenerateRequest request) {
    return request.hasPrompt()
        ? request.getPrompt()
        : request.getChat().getMessages(request.getChat().getMessagesCount() - 1).getContent();
  }

  private static Finished finished() {
    return Finished.newBuilder()
        .setReason(FinishReason.FINISH_REASON_STOP)
        .setUsage(Usage.newBuilder().setPromptTokens(7).setCompletionTokens(20))
        .setTimings(
            Timings.newBuilder()
                .setDecode(Duration.newBuilder().setNanos(160_000_000))
                .setFirstToken(Duration.newBuilder().setNanos(85_000_000)))
        .build();
  }

  private final class FakeInference extends InferenceGrpc.InferenceImplBase {
    @Override
    public void generate(GenerateRequest request, StreamObserver<GenerateEvent> observer) {
      generated.add(request);
      if (failed(observer)) {
        return;
      }
      var call = (ServerCallStreamObserver<GenerateEvent>) observer;
      call.setOnCancelHandler(cancelled::countDown);
      call.onNext(GenerateEvent.newBuilder().setStarted(started(request)).build());
      if (last(request).equals(HANG)) {
        call.onNext(delta("so far", request));
        return;
      }
      String answer = text(request);
      int half = answer.length() / 2;
      call.onNext(delta(answer.substring(0, half), request));
      call.onNext(delta(answer.substring(half), request));
      call.onNext(GenerateEvent.newBuilder().setFinished(finished()).build());
      call.onCompleted();
    }

    @Override
    public void replay(ReplayRequest request, StreamObserver<GenerateEvent> observer) {
      replayed.add(request);
      if (failed(observer)) {
        return;
      }
      observer.onNext(
          GenerateEvent.newBuilder()
              .setDelta(Delta.newBuilder().setText(replayText).addAllTokenIds(replayTokens))
              .build());
      ReplayResult result = replays.poll();
      if (result != null) {
        observer.onNext(
            GenerateEvent.newBuilder()
                .setFinished(Finished.newBuilder().setReplay(result))
                .build());
      }
      observer.onCompleted();
    }

    private static GenerateEvent delta(String text, GenerateRequest request) {
      Delta.Builder delta = Delta.newBuilder().setText(text).addTokenIds(42);
      if (request.getOutput().hasLogprobs()) {
        TokenLogprob.Builder logprob = delta.addLogprobsBuilder();
        logprob.setTokenId(42).setToken(bytes(text)).setLogprob(-0.25f);
        for (int i = 0; i < request.getOutput().getLogprobs(); i++) {
          logprob.addTopBuilder().setTokenId(i).setToken(bytes("t" + i)).setLogprob(-0.5f - i);
        }
      }
      return GenerateEvent.newBuilder().setDelta(delta).build();
    }

    private static com.google.protobuf.ByteString bytes(String text) {
      return com.google.protobuf.ByteString.copyFromUtf8(text);
    }

    @Override
    public void generateOnce(GenerateRequest request, StreamObserver<GenerateResponse> observer) {
      answer(
          observer,
          GenerateResponse.newBuilder()
              .setStarted(started(request))
              .setText(text(request))
              .build());
    }

    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      scored.add(request);
      ScoreResponse.Builder response = ScoreResponse.newBuilder().setBaseDigest(DIGEST);
      for (ScoreRequest.Item item : request.getItemsList()) {
        int tokens = item.getCompletion().length();
        ScoreResponse.Score.Builder score = response.addScoresBuilder().setSum(-0.5 * tokens);
        for (int i = 0; i < tokens; i++) {
          score.addTokenLogprobsBuilder().setTokenId(i).setLogprob(-0.5f);
        }
        score.setIsGreedy(tokens == 3);
      }
      answer(observer, response.build());
    }

    @Override
    public void countTokens(
        CountTokensRequest request, StreamObserver<CountTokensResponse> observer) {
      answer(
          observer,
          CountTokensResponse.newBuilder().setPromptTokens(request.getPrompt().length()).build());
    }

    @Override
    public void getModel(GetModelRequest request, StreamObserver<Model> observer) {
      answer(
          observer,
          Model.newBuilder()
              .setBaseName("Tiny-Llama")
              .setBaseDigest(DIGEST)
              .setFamily("llama")
              .setContext(2_048)
              .setVocabulary(49_152)
              .setNumericsId("sha256:" + "ab".repeat(32))
              .setWeightsBytes(98_765_432)
              .setQuantization("int4 groups of 32")
              .setChatTemplate(true)
              .setDevice(
                  Model.Device.newBuilder()
                      .setKind("cpu")
                      .setName("Example CPU")
                      .setThreads(2)
                      .addFeatures("avx512_bf16"))
              .setLimits(
                  Model.Limits.newBuilder()
                      .setMaxConcurrentRows(32)
                      .setMaxAdaptersPerRequest(8)
                      .setMaxMessageBytes(4 << 20))
              .build());
    }
  }
}
