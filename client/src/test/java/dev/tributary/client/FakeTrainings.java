package dev.tributary.client;

import com.google.protobuf.Duration;
import dev.tributary.v1.TrainingCancelRequest;
import dev.tributary.v1.TrainingData;
import dev.tributary.v1.TrainingEvent;
import dev.tributary.v1.TrainingGetRequest;
import dev.tributary.v1.TrainingGrpc;
import dev.tributary.v1.TrainingListRequest;
import dev.tributary.v1.TrainingListResponse;
import dev.tributary.v1.TrainingProgress;
import dev.tributary.v1.TrainingResult;
import dev.tributary.v1.TrainingRun;
import dev.tributary.v1.TrainingRun.State;
import dev.tributary.v1.TrainingSettings;
import dev.tributary.v1.TrainingStartRequest;
import dev.tributary.v1.TrainingWatchRequest;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// Runs that say what they are told to say.
public final class FakeTrainings extends TrainingGrpc.TrainingImplBase {
  public static final String ID = "00112233445566778899aabbccddeeff";

  /// What a watch tells, and how it ends.
  public record Watched(List<TrainingEvent> events, Status end) {}

  public final Queue<TrainingStartRequest> started = new ConcurrentLinkedQueue<>();
  public final Queue<TrainingListRequest> listed = new ConcurrentLinkedQueue<>();
  public final Queue<String> cancelled = new ConcurrentLinkedQueue<>();

  /// What the next watches tell; after the last one they are UNAVAILABLE.
  public final Queue<Watched> watches = new ConcurrentLinkedQueue<>();

  /// What `Get` and `List` tell.
  public volatile TrainingRun run = run(State.STATE_SUCCEEDED);

  private final FakeServer server;

  FakeTrainings(FakeServer server) {
    this.server = server;
  }

  /// A run of `public/town`, of 40 steps.
  public static TrainingRun run(State state) {
    TrainingRun.Builder run =
        TrainingRun.newBuilder()
            .setRunId(ID)
            .setAdapter("public/town")
            .setKind(TrainingRun.Kind.KIND_VERSION)
            .setState(state)
            .setManifestDigest(FakeServer.DIGEST)
            .setSettings(
                TrainingSettings.newBuilder()
                    .setRank(16)
                    .setAlpha(32)
                    .setEpochs(8)
                    .setBatchSize(4)
                    .setLearningRate(1e-3)
                    .setSeed(7))
            .setData(
                TrainingData.newBuilder()
                    .setLines(23)
                    .setDuplicates(2)
                    .setExcluded(1)
                    .setExamples(20)
                    .setTokens(1_234)
                    .setAnswerTokens(400)
                    .setLongest(99)
                    .addContributors(contributor("ann", 12))
                    .addContributors(contributor("bob", 8)))
            .setProgress(progress(state == State.STATE_QUEUED ? 0 : 40));
    if (state == State.STATE_SUCCEEDED) {
      TrainingResult.Builder result = run.getResultBuilder();
      result
          .setSteps(40)
          .setBestStep(40)
          .setTokens(9_872)
          .setTime(Duration.newBuilder().setSeconds(10))
          .setLoss(0.25)
          .setHeldOutLossBefore(3)
          .setHeldOutLossAfter(0.5)
          .setGeneralLossBefore(3.25)
          .setGeneralLossAfter(3.375);
      for (int step = 1; step <= 40; step++) {
        result.addCurve(TrainingResult.LossPoint.newBuilder().setStep(step).setLoss(4.0f / step));
      }
      run.setVersion(3).setDigest(FakeServer.DIGEST);
    }
    return run.build();
  }

  private static TrainingData.Contributor contributor(String name, int examples) {
    return TrainingData.Contributor.newBuilder().setName(name).setExamples(examples).build();
  }

  public static TrainingProgress progress(int step) {
    TrainingProgress.Builder progress =
        TrainingProgress.newBuilder()
            .setStep(step)
            .setTotalSteps(40)
            .setTokens(250L * step)
            .setElapsed(Duration.newBuilder().setSeconds(step));
    if (step > 0) {
      progress.setLoss(4.0f / step).setRemaining(Duration.newBuilder().setSeconds(40 - step));
    }
    return progress.build();
  }

  public static TrainingEvent event(TrainingRun run) {
    return TrainingEvent.newBuilder().setRun(run).build();
  }

  public static TrainingEvent event(TrainingProgress progress) {
    return TrainingEvent.newBuilder().setProgress(progress).build();
  }

  /// A run that is watched from its queue to its end.
  public void goesWell() {
    watches.add(
        new Watched(
            List.of(
                event(run(State.STATE_QUEUED)),
                event(run(State.STATE_RUNNING).toBuilder().setProgress(progress(0)).build()),
                event(progress(10)),
                event(progress(40)),
                event(run(State.STATE_SUCCEEDED))),
            Status.OK));
  }

  @Override
  public void start(TrainingStartRequest request, StreamObserver<TrainingRun> observer) {
    started.add(request);
    server.answer(observer, run(State.STATE_QUEUED));
  }

  @Override
  public void get(TrainingGetRequest request, StreamObserver<TrainingRun> observer) {
    server.answer(observer, run);
  }

  @Override
  public void list(TrainingListRequest request, StreamObserver<TrainingListResponse> observer) {
    listed.add(request);
    server.answer(observer, TrainingListResponse.newBuilder().addRuns(run).build());
  }

  @Override
  public void cancel(TrainingCancelRequest request, StreamObserver<TrainingRun> observer) {
    cancelled.add(request.getRunId());
    server.answer(observer, run(State.STATE_CANCELLED));
  }

  @Override
  public void watch(TrainingWatchRequest request, StreamObserver<TrainingEvent> observer) {
    if (server.failed(observer)) {
      return;
    }
    Watched watched = watches.poll();
    if (watched == null) {
      observer.onError(Status.UNAVAILABLE.asRuntimeException());
      return;
    }
    watched.events.forEach(observer::onNext);
    if (watched.end.isOk()) {
      observer.onCompleted();
    } else {
      observer.onError(watched.end.asRuntimeException());
    }
  }
}
