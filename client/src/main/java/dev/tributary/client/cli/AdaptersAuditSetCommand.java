package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.TrainingSettings;
import dev.tributary.v1.TrainingStartRequest;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary adapters audit-set`: adapters on halves of a version's contributors.
@Command(
    name = "audit-set",
    description = {
      "Train adapters on subsets of the contributors of a version, each with half of them, so that"
          + " audits can tell what an answer owes to whom.",
      "The server keeps them bound to the version; they are no versions themselves."
    })
final class AdaptersAuditSetCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Option(
      names = "--subsets",
      paramLabel = "N",
      defaultValue = "64",
      description = "How many subsets, even (default: ${DEFAULT-VALUE}).")
  private int subsets = 64;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "3",
      description = "Adapters of each (default: ${DEFAULT-VALUE}).")
  private int seeds = 3;

  @Option(
      names = "--of",
      paramLabel = "VERSION",
      description = "Number of the version (default: the one that prod leads to).")
  private @Nullable Integer version;

  @Option(names = "--detach", description = "Return once the run is queued.")
  private boolean detach;

  @Mixin private TimeoutOption timeout = new TimeoutOption();

  @Parameters(paramLabel = "NAME", description = "Adapter that this server trained.")
  private String name = "";

  AdaptersAuditSetCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    TrainingStartRequest request =
        TrainingStartRequest.newBuilder()
            .setAdapter(name)
            .setAuditSetOf(RunFollower.version(version))
            .setSettings(
                TrainingSettings.newBuilder().setAuditSubsets(subsets).setAuditSeeds(seeds))
            .build();
    try (TributaryClient client = tributary.client()) {
      return new RunFollower(tributary, client).run(request, timeout.time(), detach);
    }
  }
}
