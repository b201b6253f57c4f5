package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.TrainingStartRequest;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary adapters rebuild`: the same again, without what was withdrawn.
@Command(
    name = "rebuild",
    description = {
      "Train a version again on the contributions that it was trained on, without those that were"
          + " withdrawn since, under the same settings but for those that are given here.",
      "The new version serves where --alias says, or after `adapters promote`."
    })
final class AdaptersRebuildCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Option(
      names = "--of",
      paramLabel = "VERSION",
      description = "Number of the version (default: the one that prod leads to).")
  private @Nullable Integer version;

  @Mixin private TrainingOptions options = new TrainingOptions();

  @Option(names = "--detach", description = "Return once the run is queued.")
  private boolean detach;

  @Mixin private TimeoutOption timeout = new TimeoutOption();

  @Parameters(paramLabel = "NAME", description = "Adapter that this server trained.")
  private String name = "";

  AdaptersRebuildCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    TrainingStartRequest request =
        TrainingStartRequest.newBuilder()
            .setAdapter(name)
            .setRebuildOf(RunFollower.version(version))
            .setSettings(options.settings())
            .build();
    try (TributaryClient client = tributary.client()) {
      return new RunFollower(tributary, client).run(request, timeout.time(), detach);
    }
  }
}
