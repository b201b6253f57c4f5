package dev.tributary.client.cli;

import dev.tributary.client.Rollout;
import dev.tributary.client.TributaryClient;
import dev.tributary.v1.Alias;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `tributary adapters alias`: an alias as it is told.
@Command(
    name = "alias",
    description = {
      "Point an alias at exactly these versions, making it if there is none.",
      "A shadow that is not given is ended."
    },
    footer = {
      "%nExamples:",
      "  tributary adapters alias town-guide prod 3=95 4=5 --shadow 4=10%%",
      "  tributary adapters alias town-guide trial --remove"
    })
final class AdaptersAliasCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Spec private CommandSpec command = CommandSpec.create();

  @Option(
      names = "--shadow",
      paramLabel = "VERSION=PERCENT",
      converter = TargetArgument.Shadow.class,
      description = "Score this share of the answers again under VERSION, and show the gap.")
  private Alias.@Nullable Shadow shadow;

  @Option(names = "--remove", description = "Remove the alias.")
  private boolean remove;

  @Parameters(index = "0", paramLabel = "NAME", description = "NAME or TENANT/NAME.")
  private String name = "";

  @Parameters(index = "1", paramLabel = "ALIAS", description = "Such as prod.")
  private String alias = "";

  @Parameters(
      index = "2..*",
      arity = "0..*",
      paramLabel = "VERSION=WEIGHT",
      converter = TargetArgument.class,
      description = "A version and its share relative to the others'.")
  private List<Alias.Target> targets = List.of();

  AdaptersAliasCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    if (remove != targets.isEmpty() || (remove && shadow != null)) {
      throw new CommandLine.ParameterException(
          command.commandLine(), "name versions with weights, or --remove and nothing else");
    }
    Alias.Builder wanted = Alias.newBuilder().setName(alias).addAllTargets(targets);
    if (shadow != null) {
      wanted.setShadow(shadow);
    }
    try (TributaryClient client = tributary.client()) {
      AliasChange.print(tributary, new Rollout(client).set(name, wanted.build()));
    }
    return 0;
  }
}
