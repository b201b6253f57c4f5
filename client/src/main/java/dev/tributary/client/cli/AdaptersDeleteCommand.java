package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterSelector;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `tributary adapters delete`: an adapter, or one of its versions.
@Command(
    name = "delete",
    description = {
      "Delete an adapter with all its versions and aliases, or with @NUMBER one version that no"
          + " alias leads to.",
      "Waits for answers in flight."
    })
final class AdaptersDeleteCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Mixin private TimeoutOption timeout = new TimeoutOption();
  @Mixin private ConfirmOption confirm = new ConfirmOption();

  @Spec private CommandSpec command = CommandSpec.create();

  @Parameters(
      paramLabel = "NAME[@NUMBER]",
      converter = VersionArgument.class,
      description = "What to delete.")
  private AdapterSelector selector = AdapterSelector.getDefaultInstance();

  AdaptersDeleteCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    if (selector.hasAlias() || selector.hasDigest()) {
      throw new CommandLine.ParameterException(
          command.commandLine(), "a version is deleted by its number");
    }
    try (TributaryClient client = tributary.client()) {
      String what = AdapterArgument.text(selector);
      if (selector.hasNumber()) {
        confirm.require(tributary.terminal(), "Delete " + what + "?");
        client.deleteVersion(selector.getName(), selector.getNumber(), timeout.time());
      } else {
        Adapter adapter = client.adapter(selector.getName());
        confirm.require(
            tributary.terminal(),
            "Delete %s with %d versions?".formatted(adapter.getName(), adapter.getVersionCount()));
        client.deleteAdapter(adapter.getName(), timeout.time());
        what = Texts.name(adapter.getName());
      }
      tributary.done(what + " is deleted");
    }
    return 0;
  }
}
