package dev.tributary.client.cli;

import dev.tributary.v1.TrainingData;
import dev.tributary.v1.TrainingProgress;
import dev.tributary.v1.TrainingResult;
import dev.tributary.v1.TrainingRun;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// What is said of a run: its data, how far it is, what it cost.
final class RunReport {
  /// Contributors that are named; of more, how many there are is said.
  private static final int NAMED = 8;

  private RunReport() {}

  /// `queued`, `running`, ...
  static String state(TrainingRun run) {
    return run.getState().name().substring("STATE_".length()).toLowerCase(Locale.ROOT);
  }

  /// `version` or `audit set`.
  static String kind(TrainingRun run) {
    return switch (run.getKind()) {
      case KIND_AUDIT_SET -> "audit set";
      case KIND_VERSION, KIND_UNSPECIFIED, UNRECOGNIZED -> "version";
    };
  }

  /// `352 examples of 8 contributors, 20,400 tokens, 9,000 of them in answers; ...`.
  static String data(TrainingData data) {
    List<String> parts = new ArrayList<>();
    parts.add(
        "%,d examples, %,d tokens, %,d of them in answers, at most %,d in one"
            .formatted(
                data.getExamples(), data.getTokens(), data.getAnswerTokens(), data.getLongest()));
    add(parts, data.getBlank(), "blank lines");
    add(parts, data.getDuplicates(), "repeated lines, trained on once");
    add(parts, data.getExcluded(), "withdrawn, left out");
    add(parts, data.getShared(), "given by several contributors");
    add(parts, data.getHeldOut(), "held out");
    return String.join("; ", parts);
  }

  private static void add(List<String> parts, long count, String what) {
    if (count > 0) {
      parts.add("%,d %s".formatted(count, what));
    }
  }

  /// `ann 3, bob 2`, or how many there are.
  static String contributors(TrainingData data) {
    int count = data.getContributorsCount();
    return count > NAMED
        ? count + (count == 1_000 ? " or more" : "")
        : data.getContributorsList().stream()
            .map(each -> each.getName() + " " + each.getExamples())
            .collect(Collectors.joining(", "));
  }

  /// `step 12 of 48 loss 0.412 830 tok/s 1 min 05 s left`.
  static String progress(TrainingProgress progress) {
    StringBuilder text =
        new StringBuilder("step %d of %d".formatted(progress.getStep(), progress.getTotalSteps()));
    if (progress.hasLoss()) {
      text.append("  loss ").append(loss(progress.getLoss()));
    }
    if (progress.hasHeldOutLoss()) {
      text.append("  held out ").append(loss(progress.getHeldOutLoss()));
    }
    double seconds = seconds(progress.getElapsed());
    if (seconds > 0 && progress.getTokens() > 0) {
      text.append("  %,d tok/s".formatted(Math.round(progress.getTokens() / seconds)));
    }
    if (progress.hasRemaining()) {
      text.append("  ")
          .append(ProgressBar.time((long) Math.ceil(seconds(progress.getRemaining()))))
          .append(" left");
    }
    return text.toString();
  }

  /// All of a run.
  static Table facts(TrainingRun run) {
    Table table =
        new Table()
            .row("run", run.getRunId() + (kind(run).equals("version") ? "" : ", " + kind(run)))
            .row("adapter", Texts.name(run.getAdapter()))
            .row("state", state(run) + (run.getError().isEmpty() ? "" : ": " + run.getError()))
            .row("data", data(run.getData()));
    if (run.getData().getContributorsCount() > 0) {
      table.row("contributors", contributors(run.getData()));
    }
    table
        .row("manifest", run.getManifestDigest())
        .row("settings", settings(run))
        .row("progress", progress(run.getProgress()));
    if (run.hasVersion()) {
      table
          .row("version", Texts.name(run.getAdapter()) + "@" + run.getVersion())
          .row("digest", run.getDigest());
    }
    table
        .row("started", Texts.time(run.hasCreateTime(), run.getCreateTime()))
        .row("ended", Texts.time(run.hasEndTime(), run.getEndTime()));
    return run.hasResult() ? costs(table, run.getResult()) : table;
  }

  private static String settings(TrainingRun run) {
    var settings = run.getSettings();
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "rank %d, alpha %s%s on %s, %d epochs of batches of %d at %s, seed %d",
                settings.getRank(),
                Texts.number(settings.getAlpha()),
                settings.getUseRslora() ? " with rsLoRA" : "",
                settings.getTargetModulesCount() == 0
                    ? "all linear layers"
                    : String.join(" ", settings.getTargetModulesList()),
                settings.getEpochs(),
                settings.getBatchSize(),
                settings.getLearningRate(),
                settings.getSeed()));
    if (settings.getMaxSteps() > 0) {
      text.append(", at most ").append(settings.getMaxSteps()).append(" steps");
    }
    if (settings.getAuditSubsets() > 0) {
      text.append(
          ", %d subsets with %d seeds"
              .formatted(settings.getAuditSubsets(), settings.getAuditSeeds()));
    }
    return text.toString();
  }

  /// What was learned, and what was forgotten for it.
  static Table costs(Table table, TrainingResult result) {
    table.row(
        "trained",
        "%d steps, %,d tokens in %s: %,d tok/s"
            .formatted(
                result.getSteps(),
                result.getTokens(),
                Texts.duration(result.getTime()),
                Math.round(result.getTokens() / Math.max(1e-9, seconds(result.getTime())))));
    table.row(
        "loss",
        loss(result.getLoss())
            + (result.getBestStep() == result.getSteps()
                ? ""
                : "; the values are those of step " + result.getBestStep()));
    if (result.hasHeldOutLossBefore() && result.hasHeldOutLossAfter()) {
      table.row(
          "held out",
          "%s, of the base %s"
              .formatted(loss(result.getHeldOutLossAfter()), loss(result.getHeldOutLossBefore())));
    }
    if (result.hasGeneralLossBefore() && result.hasGeneralLossAfter()) {
      double change = result.getGeneralLossAfter() - result.getGeneralLossBefore();
      table.row(
          "forgotten",
          String.format(
              Locale.ROOT,
              "%+.3f on a general text: %s, of the base %s",
              change,
              loss(result.getGeneralLossAfter()),
              loss(result.getGeneralLossBefore())));
    }
    return table;
  }

  private static String loss(double loss) {
    return String.format(Locale.ROOT, "%.3f", loss);
  }

  static double seconds(com.google.protobuf.Duration duration) {
    return duration.getSeconds() + duration.getNanos() / 1e9;
  }
}
