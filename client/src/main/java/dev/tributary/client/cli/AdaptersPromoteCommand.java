package dev.tributary.client.cli;

import dev.tributary.client.Rollout;
import dev.tributary.client.TributaryClient;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `tributary adapters promote`: a version gets an alias's requests, or a share of them.
@Command(
    name = "promote",
    description = {
      "Give VERSION all requests of an alias, or a share beside the versions that have it now.",
      "What was before the version's first promotion is kept in the adapter's label"
          + " tributary.dev/previous-ALIAS for `rollback`."
    })
final class AdaptersPromoteCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Spec private CommandSpec command = CommandSpec.create();

  @Option(
      names = "--alias",
      paramLabel = "ALIAS",
      defaultValue = "prod",
      description = "Alias to change (default: ${DEFAULT-VALUE}).")
  private String alias = "prod";

  @Option(
      names = "--canary",
      paramLabel = "PERCENT",
      defaultValue = "100",
      converter = ShareArgument.class,
      description = "Share of the requests; the others keep their proportions (default: all).")
  private int share = Rollout.WHOLE;

  @Parameters(index = "0", paramLabel = "NAME", description = "NAME or TENANT/NAME.")
  private String name = "";

  @Parameters(index = "1", paramLabel = "VERSION", description = "Number of the version.")
  private int version;

  AdaptersPromoteCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    if (version < 1) {
      throw new CommandLine.ParameterException(command.commandLine(), "versions count from 1");
    }
    Rollout.Change change;
    try (TributaryClient client = tributary.client()) {
      change = new Rollout(client).promote(name, alias, version, share);
    }
    AliasChange.print(tributary, change);
    boolean changed = !change.before().getTargetsList().equals(change.after().getTargetsList());
    if (changed && change.before().getTargetsCount() > 0 && !change.recorded()) {
      tributary.note("nothing records what was before, so `rollback` cannot go back to it");
    }
    return 0;
  }
}
