package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.Adapter;
import java.io.IOException;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// `tributary adapters show`: one adapter.
@Command(name = "show", description = "Show an adapter, its aliases and labels.")
final class AdaptersShowCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Parameters(paramLabel = "NAME", description = "NAME or TENANT/NAME.")
  private String name = "";

  AdaptersShowCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    Adapter adapter;
    try (TributaryClient client = tributary.client()) {
      adapter = client.adapter(name);
    }
    if (tributary.json()) {
      tributary.printJson(adapter);
    } else {
      tributary.terminal().facts(table(adapter));
    }
    return 0;
  }

  private static Table table(Adapter adapter) {
    Table table = new Table().row("name", adapter.getName());
    if (!adapter.getDescription().isEmpty()) {
      table.row("description", adapter.getDescription());
    }
    table
        .row("versions", Integer.toString(adapter.getVersionCount()))
        .row("latest", adapter.getLatestVersion() == 0 ? "-" : "" + adapter.getLatestVersion());
    adapter
        .getAliasesList()
        .forEach(alias -> table.row("alias " + alias.getName(), Texts.targets(alias)));
    new TreeMap<>(adapter.getLabelsMap()).forEach((key, value) -> table.row("label " + key, value));
    return table
        .row("created", Texts.time(adapter.hasCreateTime(), adapter.getCreateTime()))
        .row("changed", Texts.time(adapter.hasUpdateTime(), adapter.getUpdateTime()));
  }
}
