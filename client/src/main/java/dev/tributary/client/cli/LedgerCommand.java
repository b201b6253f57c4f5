package dev.tributary.client.cli;

import dev.tributary.client.CheckpointWatch;
import dev.tributary.client.Head;
import dev.tributary.client.Ledger;
import dev.tributary.client.LedgerFolder;
import dev.tributary.client.TributaryClient;
import dev.tributary.tlog.Policy;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `tributary ledger`: the log as a whole; a method for each short command.
@Command(
    name = "ledger",
    description = "Watch, audit and export a server's log.",
    footer = {
      "%nExample:",
      "  tributary ledger audit --policy operator.policy",
      "  tributary ledger export ./log && tributary ledger fsck ./log"
    })
final class LedgerCommand {
  private final Tributary tributary;

  private LedgerCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  static CommandLine line(Tributary tributary) {
    CommandLine line = new CommandLine(new LedgerCommand(tributary));
    line.addSubcommand(new LedgerAuditCommand(tributary));
    line.addSubcommand(new LedgerFsckCommand(tributary));
    return line;
  }

  @Command(
      name = "watch",
      description = {
        "Show the log's checkpoints as they come, until Ctrl-C. Each must be signed, and grow from"
            + " the one before.",
        "Connects again where the connection breaks."
      })
  int watch(@Mixin TrustOptions trust) throws IOException {
    try (TributaryClient client = tributary.client()) {
      Ledger ledger = client.ledger();
      @Nullable Head before = null;
      try (CheckpointWatch watch =
          ledger.watch(
              asksForWitnesses(trust),
              (failure, delay) ->
                  tributary.note(
                      "the connection broke (%s); again in %.1f s"
                          .formatted(failure.getMessage(), delay.toMillis() / 1e3)))) {
        // Whoever closed the pipe does not want to know any more.
        while (!tributary.terminal().out().checkError()) {
          Head head = watch.next();
          Policy policy = trust.contact(tributary, head);
          head.require(policy);
          if (before == null) {
            warn(policy);
          } else {
            ledger.requireGrown(before, head);
          }
          print(head);
          before = head;
        }
      }
    }
    return 1;
  }

  @Command(
      name = "export",
      description = {
        "Write the log as static files in C2SP's tlog-tiles layout, or add to a folder what came"
            + " since it was written. Wants the role auditor.",
        "Tiles are computed here and must lead to a checkpoint that is believed."
      })
  int export(
      @Mixin TrustOptions trust,
      @Parameters(paramLabel = "DIR", description = "Folder to write.") Path folder)
      throws IOException {
    try (TributaryClient client = tributary.client()) {
      Ledger ledger = client.ledger();
      Head head = ledger.newest();
      Policy policy = trust.contact(tributary, head);
      if (policy.asksForWitnesses()) {
        head = ledger.newest(policy);
      }
      head.require(policy);
      warn(policy);
      ProgressBar bar = ProgressBar.counting(tributary, head.size(), "entries");
      try {
        new LedgerFolder(folder).write(ledger, head, bar::at);
      } finally {
        bar.end();
      }
      print(head);
    }
    return 0;
  }

  private static boolean asksForWitnesses(TrustOptions trust) throws IOException {
    return trust.given().map(given -> given.policy().asksForWitnesses()).orElse(false);
  }

  /// Says what a policy cannot exclude.
  private void warn(Policy policy) {
    if (!policy.asksForWitnesses()) {
      tributary.note(TrustOptions.FORK);
    }
  }

  private void print(Head head) {
    if (tributary.json()) {
      tributary.printJson(Heads.json(head));
    } else {
      Terminal terminal = tributary.terminal();
      terminal.out().println(terminal.printable(Heads.text(head)));
      terminal.out().flush();
    }
  }
}
