package dev.tributary.client.cli;

import dev.tributary.client.TrainingWatch;
import dev.tributary.client.TributaryClient;
import dev.tributary.v1.TrainingEvent;
import dev.tributary.v1.TrainingProgress;
import dev.tributary.v1.TrainingRun;
import dev.tributary.v1.TrainingRun.State;
import dev.tributary.v1.TrainingStartRequest;
import dev.tributary.v1.TrainingStartRequest.TrainedVersion;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Shows a run until it ends: a bar, then the curve of its losses and what it cost. With `--json`
/// every event.
final class RunFollower {
  private final Tributary tributary;
  private final TributaryClient client;
  private @Nullable ProgressBar bar;
  private int saidBefore = -1;

  RunFollower(Tributary tributary, TributaryClient client) {
    this.tributary = tributary;
    this.client = client;
  }

  /// Starts a run and, unless detached, follows it to its end.
  ///
  /// @param time for the call that starts it
  /// @return exit code
  int run(TrainingStartRequest request, Duration time, boolean detach) {
    TrainingRun run = client.trainings().start(request, time);
    started(run);
    return detach ? 0 : report(follow(run.getRunId()));
  }

  /// @param number null: the version that prod leads to
  static TrainedVersion version(@Nullable Integer number) {
    TrainedVersion.Builder version = TrainedVersion.newBuilder();
    if (number != null) {
      version.setNumber(number);
    }
    return version.build();
  }

  /// Says what was started.
  void started(TrainingRun run) {
    if (tributary.json()) {
      tributary.printJson(run);
      return;
    }
    tributary.note(RunReport.data(run.getData()));
    if (run.getData().getContributorsCount() > 0) {
      tributary.note("contributors: " + RunReport.contributors(run.getData()));
    }
    tributary.note(
        "run %s goes on without this command; `tributary training watch %1$s` shows it again"
            .formatted(run.getRunId()));
  }

  /// @return how it ended
  TrainingRun follow(String id) {
    TrainingRun run = TrainingRun.getDefaultInstance();
    try (TrainingWatch watch =
        client
            .trainings()
            .watch(
                id,
                (failure, delay) -> {
                  end();
                  tributary.note(
                      "the connection broke (%s); again in %.1f s"
                          .formatted(failure.getMessage(), delay.toMillis() / 1e3));
                })) {
      while (watch.hasNext()) {
        TrainingEvent event = watch.next();
        if (tributary.json()) {
          tributary.printJson(event);
        }
        run = event.hasRun() ? event.getRun() : run;
        show(run.getState(), event.hasRun() ? run.getProgress() : event.getProgress());
      }
    } finally {
      end();
    }
    return run;
  }

  private void show(State state, TrainingProgress progress) {
    if (state == State.STATE_QUEUED && progress.getQueuedBefore() != saidBefore) {
      saidBefore = progress.getQueuedBefore();
      tributary.note("waits for " + (saidBefore == 1 ? "1 run" : saidBefore + " runs"));
    }
    if (progress.getTotalSteps() == 0) {
      return;
    }
    if (bar == null) {
      bar = ProgressBar.counting(tributary, progress.getTotalSteps(), "steps");
      bar.start(progress.getStep());
    }
    bar.at(progress.getStep(), RunReport.progress(progress));
  }

  private void end() {
    if (bar != null) {
      bar.end();
      bar = null;
    }
  }

  /// Says what came of it.
  ///
  /// @return exit code
  int report(TrainingRun run) {
    if (run.getState() != State.STATE_SUCCEEDED) {
      if (!tributary.json()) {
        tributary.note(
            "run %s: %s%s"
                .formatted(
                    run.getRunId(),
                    RunReport.state(run),
                    run.getError().isEmpty() ? "" : ", " + run.getError()));
      }
      return 1;
    }
    if (tributary.json()) {
      return 0;
    }
    Terminal terminal = tributary.terminal();
    if (run.hasResult()) {
      LossPlot.lines(run.getResult().getCurveList()).forEach(terminal.out()::println);
      terminal.facts(RunReport.costs(new Table(), run.getResult()));
    }
    if (run.getKind() == TrainingRun.Kind.KIND_AUDIT_SET) {
      tributary.note(
          "the audit set of %s@%d is there: %d subsets with %d seeds"
              .formatted(
                  Texts.name(run.getAdapter()),
                  run.getVersion(),
                  run.getSettings().getAuditSubsets(),
                  run.getSettings().getAuditSeeds()));
    } else {
      terminal.facts(
          new Table()
              .row("version", Texts.name(run.getAdapter()) + "@" + run.getVersion())
              .row("digest", run.getDigest()));
    }
    return 0;
  }
}
