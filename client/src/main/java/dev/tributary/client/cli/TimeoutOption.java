package dev.tributary.client.cli;

import java.time.Duration;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// How long a command that waits for the server may wait.
final class TimeoutOption {
  private static final int MAX_SECONDS = 86_400;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "600",
      description = "Wait so long at most (default: ${DEFAULT-VALUE}).")
  private int seconds = 600;

  Duration time() {
    if (seconds < 1 || seconds > MAX_SECONDS) {
      throw new CommandLine.ParameterException(
          command.commandLine(), "--timeout is from 1 to " + MAX_SECONDS + " seconds");
    }
    return Duration.ofSeconds(seconds);
  }
}
