package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.TrainingRun;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary training`: runs that were started; a method for each command.
@Command(
    name = "training",
    description = "Look after the runs that `train` starts.",
    footer = {
      "%nExample:",
      "  tributary training list",
      "  tributary training watch 3f0c9be1a2d44c5f8f5a1d2b3c4d5e6f"
    })
final class TrainingCommand {
  private static final int MOST = 1_000;

  private final Tributary tributary;

  private TrainingCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  static CommandLine line(Tributary tributary) {
    return new CommandLine(new TrainingCommand(tributary));
  }

  @Command(name = "list", description = "List runs, newest first.")
  int list(
      @Option(
              names = "--adapter",
              paramLabel = "NAME",
              defaultValue = "",
              description = "Only runs of this adapter.")
          String adapter,
      @Option(
              names = "--most",
              paramLabel = "N",
              defaultValue = "20",
              description = "So many at most (default: ${DEFAULT-VALUE}).")
          int most)
      throws IOException {
    List<TrainingRun> runs;
    try (TributaryClient client = tributary.client()) {
      runs = client.trainings().list(adapter, Math.clamp(most, 1, MOST));
    }
    if (tributary.json()) {
      runs.forEach(tributary::printJson);
    } else if (runs.isEmpty()) {
      tributary.note("There are no runs; `tributary train FILE --name NAME` starts one.");
    } else {
      Table table =
          new Table().row("RUN", "ADAPTER", "STATE", "STEPS", "LOSS", "VERSION", "STARTED");
      runs.forEach(run -> row(table, run));
      tributary.terminal().table(table);
    }
    return 0;
  }

  private static void row(Table table, TrainingRun run) {
    String kind = run.getKind() == TrainingRun.Kind.KIND_AUDIT_SET ? " (audit set)" : "";
    table.row(
        run.getRunId(),
        Texts.name(run.getAdapter()) + kind,
        RunReport.state(run),
        run.getProgress().getStep() + "/" + run.getProgress().getTotalSteps(),
        run.getProgress().hasLoss() ? "%.3f".formatted(run.getProgress().getLoss()) : "-",
        run.hasVersion() ? Integer.toString(run.getVersion()) : "-",
        Texts.time(run.hasCreateTime(), run.getCreateTime()));
  }

  @Command(
      name = "show",
      description = "Show a run: its data, its settings, its losses and what it cost.")
  int show(@Parameters(paramLabel = "RUN", description = "Id of the run.") String id)
      throws IOException {
    TrainingRun run;
    try (TributaryClient client = tributary.client()) {
      run = client.trainings().get(id);
    }
    if (tributary.json()) {
      tributary.printJson(run);
    } else {
      tributary.terminal().facts(RunReport.facts(run));
      LossPlot.lines(run.getResult().getCurveList()).forEach(tributary.terminal().out()::println);
      tributary.terminal().out().flush();
    }
    return 0;
  }

  @Command(
      name = "watch",
      description = {
        "Show how a run goes until it ends; Ctrl-C leaves it going.",
        "Connects again where the connection breaks."
      })
  int watch(@Parameters(paramLabel = "RUN", description = "Id of the run.") String id)
      throws IOException {
    try (TributaryClient client = tributary.client()) {
      RunFollower follower = new RunFollower(tributary, client);
      return follower.report(follower.follow(id));
    }
  }

  @Command(name = "cancel", description = "End a run without a version.")
  int cancel(@Parameters(paramLabel = "RUN", description = "Id of the run.") String id)
      throws IOException {
    TrainingRun run;
    try (TributaryClient client = tributary.client()) {
      run = client.trainings().cancel(id);
    }
    if (tributary.json()) {
      tributary.printJson(run);
    } else {
      tributary.note("run " + id + " is cancelled after step " + run.getProgress().getStep());
    }
    return 0;
  }
}
