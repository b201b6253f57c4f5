package dev.tributary.client.cli;

import dev.tributary.client.ContributionReceipts;
import dev.tributary.client.Head;
import dev.tributary.client.TributaryClient;
import dev.tributary.tlog.Policy;
import dev.tributary.v1.RegisterContributionsResponse;
import dev.tributary.v1.WithdrawContributionResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary contributions`: training examples and their contributors; a method for each short
/// command.
@Command(
    name = "contributions",
    description = "Register training examples, withdraw them, and say what they earned.",
    footer = {
      "%nExample:",
      "  tributary contributions import guide.jsonl --dataset town-guide --licence CC-BY-4.0",
      "  tributary contributions verify guide-receipts/ann.jsonl",
      "  tributary contributions statement ann --from 2026-11-01 --to 2026-12-01"
    })
final class ContributionsCommand {
  private final Tributary tributary;

  private ContributionsCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  static CommandLine line(Tributary tributary) {
    CommandLine line = new CommandLine(new ContributionsCommand(tributary));
    line.addSubcommand(new ContributionsImportCommand(tributary));
    line.addSubcommand(new ContributionsStatementCommand(tributary));
    return line;
  }

  @Command(
      name = "withdraw",
      description = {
        "Withdraw a contribution: later versions of adapters must not be trained on it.",
        "Shows the versions trained on it that are still served."
      })
  int withdraw(
      @Option(
              names = "--reason",
              paramLabel = "TEXT",
              required = true,
              description = "Why; the ledger commits to it and does not show it.")
          String reason,
      @Parameters(paramLabel = "ID", description = "Of the contribution, from its receipt.")
          String id)
      throws IOException {
    WithdrawContributionResponse response;
    try (TributaryClient client = tributary.client()) {
      response = client.contributions().withdraw(id, reason);
    }
    if (tributary.json()) {
      tributary.printJson(response);
      return 0;
    }
    tributary.note(
        "contribution %s is withdrawn by leaf %d; %s"
            .formatted(
                id,
                response.getLeafIndex(),
                response.getAdapterDigestsCount() == 0
                    ? "no version trained on it is served"
                    : "these versions trained on it are still served:"));
    response.getAdapterDigestsList().forEach(tributary.terminal().out()::println);
    return 0;
  }

  @Command(
      name = "verify",
      description = {
        "Check what `contributions import` kept for one contributor, offline: each leaf commits to"
            + " what its fields say, and is in the log under a checkpoint that is believed."
      })
  int verify(
      @Mixin TrustOptions trust,
      @Parameters(paramLabel = "FILE", description = "Of one contributor.") Path file)
      throws IOException {
    List<RegisterContributionsResponse> registrations = ContributionReceipts.read(file);
    boolean witnessed = true;
    Table table = new Table().row("CONTRIBUTION", "LEAF", "CONTRIBUTOR", "DATASET", "LICENCE");
    for (RegisterContributionsResponse registration : registrations) {
      Policy policy = trust.offline(tributary, Head.parse(registration.getCheckpoint().getNote()));
      witnessed &= policy.asksForWitnesses();
      for (ContributionReceipts.Held held : ContributionReceipts.check(registration, policy)) {
        table.row(
            held.contributionId(),
            Long.toString(held.leafIndex()),
            held.record().contributor(),
            held.record().dataset(),
            held.record().licence());
      }
      if (tributary.json()) {
        tributary.printJson(registration);
      }
    }
    if (!tributary.json()) {
      tributary.terminal().table(table);
    }
    tributary.note(witnessed ? "all hold" : "all hold; " + TrustOptions.FORK);
    return 0;
  }
}
