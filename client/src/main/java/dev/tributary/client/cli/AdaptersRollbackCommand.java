package dev.tributary.client.cli;

import dev.tributary.client.Rollout;
import dev.tributary.client.TributaryClient;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary adapters rollback`: the version promoted last goes out again.
@Command(
    name = "rollback",
    description = {
      "Take the version that was promoted last out again: the alias leads to what it led to before"
          + " that version's first promotion."
    })
final class AdaptersRollbackCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Option(
      names = "--alias",
      paramLabel = "ALIAS",
      defaultValue = "prod",
      description = "Alias to change (default: ${DEFAULT-VALUE}).")
  private String alias = "prod";

  @Parameters(paramLabel = "NAME", description = "NAME or TENANT/NAME.")
  private String name = "";

  AdaptersRollbackCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    try (TributaryClient client = tributary.client()) {
      AliasChange.print(tributary, new Rollout(client).rollback(name, alias));
    }
    return 0;
  }
}
