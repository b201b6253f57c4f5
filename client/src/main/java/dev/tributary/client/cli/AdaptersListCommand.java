package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.Alias;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;

/// `tributary adapters list`: every adapter that the caller can name.
@Command(name = "list", description = "List the adapters that can be named.")
final class AdaptersListCommand implements Callable<Integer> {
  private final Tributary tributary;

  AdaptersListCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    List<Adapter> adapters;
    try (TributaryClient client = tributary.client()) {
      adapters = client.adapters();
    }
    if (tributary.json()) {
      adapters.forEach(tributary::printJson);
    } else if (adapters.isEmpty()) {
      tributary.note("There are no adapters; `tributary adapters upload NAME FOLDER` adds one.");
    } else {
      print(adapters);
    }
    return 0;
  }

  private void print(List<Adapter> adapters) {
    Table table = new Table().row("NAME", "VERSION", "ALIASES", "TIER", "RANK", "SIZE", "DIGEST");
    for (Adapter adapter : adapters) {
      AdapterVersion version = adapter.getProdVersion();
      boolean refused = version.getState() == AdapterVersion.State.STATE_QUARANTINED;
      boolean known = adapter.hasProdVersion() && !refused;
      table.row(
          Texts.name(adapter.getName()),
          known ? Integer.toString(version.getNumber()) : "-",
          adapter.getAliasesList().stream().map(Alias::getName).collect(Collectors.joining(",")),
          known ? Texts.tier(version.getTier()) : refused ? "refused" : "-",
          known ? Integer.toString(version.getRank()) : "-",
          known ? Texts.bytes(version.getWeightsBytes()) : "-",
          known ? Texts.shortDigest(version.getDigest()) : "-");
    }
    tributary.terminal().table(table);
    for (Adapter adapter : adapters) {
      String reason = adapter.getProdVersion().getStateReason();
      if (!reason.isEmpty()) {
        tributary.note(Texts.name(adapter.getName()) + " is refused: " + reason);
      }
    }
  }
}
