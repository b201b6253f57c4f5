package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.Adapter;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary adapters create`: an adapter without versions.
@Command(
    name = "create",
    description = {
      "Make an adapter without versions.",
      "Uploads and imports make theirs if there is none."
    })
final class AdaptersCreateCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Option(names = "--description", paramLabel = "TEXT", description = "What it is for.")
  private String description = "";

  @Option(names = "--label", paramLabel = "KEY=VALUE", description = "A label; may be repeated.")
  private Map<String, String> labels = Map.of();

  @Parameters(paramLabel = "NAME", description = "NAME or TENANT/NAME.")
  private String name = "";

  AdaptersCreateCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    Adapter wanted =
        Adapter.newBuilder().setName(name).setDescription(description).putAllLabels(labels).build();
    Adapter made;
    try (TributaryClient client = tributary.client()) {
      made = client.createAdapter(wanted);
    }
    if (tributary.json()) {
      tributary.printJson(made);
    } else {
      tributary.terminal().facts(new Table().row(made.getName()));
    }
    return 0;
  }
}
