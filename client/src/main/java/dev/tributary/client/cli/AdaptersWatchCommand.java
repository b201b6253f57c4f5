package dev.tributary.client.cli;

import dev.tributary.client.AdapterWatch;
import dev.tributary.client.TributaryClient;
import dev.tributary.v1.AdapterEvent;
import dev.tributary.v1.Tier;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// `tributary adapters watch`: changes as they come.
@Command(
    name = "watch",
    description = {
      "Show where adapters' weights are and what aliases lead to, then every change, until Ctrl-C.",
      "Connects again where the connection breaks."
    })
final class AdaptersWatchCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Parameters(
      paramLabel = "NAME",
      arity = "0..*",
      description = "Only these (default: all that can be named).")
  private List<String> names = List.of();

  AdaptersWatchCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    try (TributaryClient client = tributary.client();
        AdapterWatch watch =
            client.watchAdapters(
                names,
                (failure, delay) ->
                    tributary.note(
                        "the connection broke (%s); again in %.1f s"
                            .formatted(failure.getMessage(), delay.toMillis() / 1e3)))) {
      // Whoever closed the pipe does not want to know any more.
      while (watch.hasNext() && !tributary.terminal().out().checkError()) {
        print(watch.next());
      }
    }
    return 1;
  }

  private void print(AdapterEvent event) {
    if (tributary.json()) {
      tributary.printJson(event);
      return;
    }
    String text =
        switch (event.getChangeCase()) {
          case TIER -> tier(event.getTier());
          case ALIAS ->
              "%s@%s = %s"
                  .formatted(
                      Texts.name(event.getAlias().getAdapter()),
                      event.getAlias().getAlias().getName(),
                      Texts.targets(event.getAlias().getAlias()));
          case CHANGE_NOT_SET -> "a change that this client does not know";
        };
    Terminal terminal = tributary.terminal();
    terminal
        .out()
        .println(terminal.printable(Texts.time(event.hasTime(), event.getTime()) + "  " + text));
    terminal.out().flush();
  }

  private static String tier(AdapterEvent.TierChange change) {
    String name = Texts.name(change.getAdapter()) + "@" + change.getNumber();
    String loaded = change.hasLoadTime() ? " (" + Texts.duration(change.getLoadTime()) + ")" : "";
    if (change.getTo() == Tier.TIER_UNSPECIFIED) {
      return name + " is gone";
    }
    String to = Texts.tier(change.getTo()) + loaded;
    return change.getFrom() == Tier.TIER_UNSPECIFIED
        ? name + " in " + to
        : "%s from %s to %s".formatted(name, Texts.tier(change.getFrom()), to);
  }
}
