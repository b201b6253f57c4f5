package dev.tributary.server.rpc;

import dev.tributary.server.state.RunRecord;
import dev.tributary.server.train.DataReport;
import dev.tributary.server.train.LoraShape;
import dev.tributary.server.train.Optimization;
import dev.tributary.server.train.RunProgress;
import dev.tributary.server.train.RunResult;
import dev.tributary.server.train.RunSettings;
import dev.tributary.server.train.RunView;
import dev.tributary.v1.TrainingData;
import dev.tributary.v1.TrainingProgress;
import dev.tributary.v1.TrainingResult;
import dev.tributary.v1.TrainingRun;
import dev.tributary.v1.TrainingSettings;
import java.time.Duration;

/// Tells of runs as the contract does.
final class TrainingAnswers {
  private static final int MOST_CONTRIBUTORS = 1_000;
  private static final double SECOND = 1e9;

  private TrainingAnswers() {}

  /// All of a run.
  static TrainingRun run(RunView view) {
    TrainingRun.Builder told = summary(view).toBuilder();
    view.data().examples().contributors().entrySet().stream()
        .limit(MOST_CONTRIBUTORS)
        .forEach(
            each ->
                told.getDataBuilder()
                    .addContributors(
                        TrainingData.Contributor.newBuilder()
                            .setName(each.getKey())
                            .setExamples(each.getValue())));
    RunResult result = view.result();
    if (result != null) {
      result
          .curve()
          .forEach(
              point ->
                  told.getResultBuilder()
                      .addCurve(
                          TrainingResult.LossPoint.newBuilder()
                              .setStep(point.step())
                              .setLoss((float) point.loss())));
    }
    return told.build();
  }

  /// A run without its long lists.
  static TrainingRun summary(RunView view) {
    RunRecord run = view.run();
    TrainingRun.Builder told =
        TrainingRun.newBuilder()
            .setRunId(run.id())
            .setAdapter(run.adapter().toString())
            .setKind(
                switch (run.kind()) {
                  case VERSION -> TrainingRun.Kind.KIND_VERSION;
                  case AUDIT_SET -> TrainingRun.Kind.KIND_AUDIT_SET;
                })
            .setState(state(run.state()))
            .setError(run.error())
            .setSettings(settings(view))
            .setManifestDigest(run.manifest())
            .setData(data(view.data().examples()).setHeldOut(view.data().heldOut()))
            .setProgress(progress(view))
            .setCreateTime(Times.timestamp(run.created()));
    if (run.version() != null) {
      told.setVersion(run.version()).setDigest(run.digest());
    }
    if (run.ended() != null) {
      told.setEndTime(Times.timestamp(run.ended()));
    }
    if (view.result() != null) {
      told.setResult(result(view.result()));
    }
    return told.build();
  }

  private static TrainingRun.State state(RunRecord.State state) {
    return switch (state) {
      case QUEUED -> TrainingRun.State.STATE_QUEUED;
      case RUNNING -> TrainingRun.State.STATE_RUNNING;
      case SUCCEEDED -> TrainingRun.State.STATE_SUCCEEDED;
      case FAILED -> TrainingRun.State.STATE_FAILED;
      case CANCELLED -> TrainingRun.State.STATE_CANCELLED;
    };
  }

  private static TrainingSettings settings(RunView view) {
    RunSettings settings = view.settings();
    LoraShape shape = settings.lora();
    Optimization moves = settings.optimization();
    TrainingSettings.Builder told =
        TrainingSettings.newBuilder()
            .setRank(shape.rank())
            .setAlpha(shape.alpha())
            .setUseRslora(shape.useRslora())
            .addAllTargetModules(shape.targetModules())
            .setLearningRate(moves.learningRate())
            .setDropout(0)
            .setEpochs(moves.epochs())
            .setMaxSteps(moves.maxSteps())
            .setBatchSize(moves.batchSize())
            .setMaxExampleTokens(settings.maxExampleTokens())
            .setSeed(settings.seed())
            .setAuditSubsets(view.run().subsets())
            .setAlias(view.run().alias())
            .setWarmUpSteps(moves.warmUpSteps())
            .setClipNorm(moves.clipNorm())
            .setWeightDecay(moves.weightDecay())
            .setPatience(moves.patience())
            .setHeldOutShare(settings.heldOutShare());
    if (view.run().subsets() > 0) {
      told.setAuditSeeds(view.run().seeds());
    }
    return told.build();
  }

  private static TrainingData.Builder data(DataReport report) {
    return TrainingData.newBuilder()
        .setLines(report.lines())
        .setBlank(report.blank())
        .setDuplicates(report.duplicates())
        .setExcluded(report.excluded())
        .setExamples(report.examples())
        .setShared(report.shared())
        .setTokens(report.tokens())
        .setAnswerTokens(report.targets())
        .setLongest(report.longest());
  }

  static TrainingProgress progress(RunView view) {
    RunProgress progress = view.progress();
    TrainingProgress.Builder told =
        TrainingProgress.newBuilder()
            .setStep(progress.step())
            .setTotalSteps(progress.totalSteps())
            .setTokens(progress.tokens())
            .setElapsed(Times.duration(Duration.ofMillis(progress.elapsedMillis())))
            .setQueuedBefore(view.queuedBefore());
    if (progress.loss() != null) {
      told.setLoss(progress.loss().floatValue());
    }
    if (progress.heldOutLoss() != null) {
      told.setHeldOutLoss(progress.heldOutLoss().floatValue());
    }
    if (progress.remainingMillis() != null) {
      told.setRemaining(Times.duration(Duration.ofMillis(progress.remainingMillis())));
    }
    return told.build();
  }

  private static TrainingResult result(RunResult result) {
    TrainingResult.Builder told =
        TrainingResult.newBuilder()
            .setSteps(result.steps())
            .setBestStep(result.bestStep())
            .setTokens(result.tokens())
            .setTime(Times.duration((long) (result.seconds() * SECOND)))
            .setLoss(result.loss());
    if (result.heldOutBefore() != null) {
      told.setHeldOutLossBefore(result.heldOutBefore());
    }
    if (result.heldOutAfter() != null) {
      told.setHeldOutLossAfter(result.heldOutAfter());
    }
    if (result.generalBefore() != null) {
      told.setGeneralLossBefore(result.generalBefore());
    }
    if (result.generalAfter() != null) {
      told.setGeneralLossAfter(result.generalAfter());
    }
    return told.build();
  }
}
