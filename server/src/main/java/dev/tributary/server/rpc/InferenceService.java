package dev.tributary.server.rpc;

import dev.tributary.server.engine.Job;
import dev.tributary.server.engine.Sampling;
import dev.tributary.v1.CountTokensRequest;
import dev.tributary.v1.CountTokensResponse;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.GetModelRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.Model;
import dev.tributary.v1.ReplayRequest;
import dev.tributary.v1.ScoreRequest;
import dev.tributary.v1.ScoreResponse;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// The methods of tributary.v1.Inference.
final class InferenceService extends InferenceGrpc.InferenceImplBase {
  private final Serving serving;
  private final Delay delay;
  private final Duration streamIdle;
  private final int maxMessageBytes;
  private final SamplingReader samplings;
  private final Quotas quotas;
  private final Generations generations;
  private final Scores scores;
  private final @Nullable Replays replays;
  private final Ids ids;
  private final EncodingThreads encoding =
      new EncodingThreads(Runtime.getRuntime().availableProcessors());

  /// @param streamIdle a stream that takes nothing for so long ends
  /// @param maxMessageBytes that the transport takes, told by GetModel
  /// @param seeds for requests that bring none
  /// @param replays null without a ledger
  InferenceService(
      Serving serving,
      Delay delay,
      Duration streamIdle,
      int maxMessageBytes,
      Ids ids,
      LongSupplier seeds,
      Access access,
      Tally tally,
      Shadows shadows,
      Recorder recorder,
      @Nullable Replays replays) {
    this.serving = serving;
    quotas = access.quotas();
    this.delay = delay;
    this.streamIdle = streamIdle;
    this.maxMessageBytes = maxMessageBytes;
    this.ids = ids;
    samplings = new SamplingReader(serving.defaults(), seeds);
    generations =
        new Generations(
            serving,
            new GenerationReader(samplings, serving.limits()),
            access.state().requests(),
            ids,
            encoding,
            quotas,
            tally,
            shadows,
            recorder);
    this.replays = replays;
    scores = new Scores(serving, encoding, quotas, tally);
  }

  @Override
  public void generate(GenerateRequest request, StreamObserver<GenerateEvent> responses) {
    Call.serve(
        responses,
        ids.next(),
        call -> generations.run(request, call, false, call.paced(delay, streamIdle)::send));
  }

  @Override
  public void generateOnce(GenerateRequest request, StreamObserver<GenerateResponse> responses) {
    Call.serve(
        responses,
        ids.next(),
        call -> {
          CollectedAnswer answer = new CollectedAnswer();
          generations.run(request, call, true, answer::add);
          call.answer(answer.response());
        });
  }

  @Override
  public void score(ScoreRequest request, StreamObserver<ScoreResponse> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(scores.run(request, call)));
  }

  @Override
  public void replay(ReplayRequest request, StreamObserver<GenerateEvent> responses) {
    if (replays == null) {
      super.replay(request, responses);
      return;
    }
    Call.serve(
        responses,
        ids.next(),
        call -> replays.run(request, call, call.paced(delay, streamIdle)::send));
  }

  @Override
  public void countTokens(
      CountTokensRequest request, StreamObserver<CountTokensResponse> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(count(request, call)));
  }

  @Override
  public void getModel(GetModelRequest request, StreamObserver<Model> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(model()));
  }

  private CountTokensResponse count(CountTokensRequest request, Call<?> call) {
    Input input = Input.of(request);
    quotas.count(Caller.current().tenant());
    int[] tokens =
        encoding.run(
            request.getSerializedSize(),
            call,
            () -> input.encode(serving.tokenizer(), serving.model().vocabulary()));
    CountTokensResponse.Builder response =
        CountTokensResponse.newBuilder()
            .setPromptTokens(tokens.length)
            .setRemainingTokens(Math.max(0, serving.engine().maxSequence() - tokens.length));
    if (request.getIncludeTokenIds()) {
      for (int id : tokens) {
        response.addTokenIds(id);
      }
    }
    return response.build();
  }

  private Model model() {
    ServedModel model = serving.model();
    Model.Builder told =
        Model.newBuilder()
            .setBaseName(model.baseName())
            .setBaseDigest(model.baseDigest())
            .addAllBaseAliases(model.baseAliases())
            .setFamily(model.family())
            .setContext(serving.engine().maxSequence())
            .setVocabulary(model.vocabulary())
            .setNumericsId(model.numericsId())
            .setDevice(
                Model.Device.newBuilder()
                    .setKind(model.deviceKind())
                    .setName(model.deviceName())
                    .setThreads(model.threads())
                    .addAllFeatures(model.deviceFeatures()))
            .setLimits(limits())
            .setWeightsBytes(model.weightsBytes())
            .setQuantization(model.quantization())
            .setSamplingDefaults(samplings.defaults())
            .setChatTemplate(serving.tokenizer().hasChatTemplate())
            .setServerVersion(model.serverVersion());
    serving.tokenizer().stopIds().stream().forEach(told::addStopTokenIds);
    return told.build();
  }

  private Model.Limits limits() {
    RequestLimits limits = serving.limits();
    return Model.Limits.newBuilder()
        .setMaxAdaptersPerRequest(limits.maxAdapters())
        .setMaxConcurrentRows(limits.maxRows())
        .setMaxQueuedRequests(limits.maxQueued())
        .setMaxMessageBytes(maxMessageBytes)
        .setMaxLogprobs(Job.MAX_LOGPROBS)
        .setMaxStopStrings(Sampling.MAX_STOPS)
        .setMaxStopBytes(SamplingReader.MAX_STOP_BYTES)
        .setMaxLogitBiases(Sampling.MAX_TOKEN_IDS)
        .setMaxScoreItems(limits.maxScoreItems())
        .setMaxAdapterBytes(limits.maxAdapterBytes())
        .setMaxRank(limits.maxRank())
        .build();
  }
}
