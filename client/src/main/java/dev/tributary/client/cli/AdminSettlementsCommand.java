package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.v1.Settlement;
import dev.tributary.v1.SettlementLine;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// `tributary admin settlements`: closed periods, or whom one of them credits.
@Command(
    name = "settlements",
    description = "List the settlements, newest first; of one, whom it credits with how much.",
    footer = {
      "%nExamples:",
      "  tributary admin settlements",
      "  tributary admin settlements 1204 --json"
    })
final class AdminSettlementsCommand implements Callable<Integer> {
  private final Tributary tributary;
  private final AdminCommand admin;

  @Parameters(paramLabel = "LEAF", arity = "0..1", description = "Of the one to be shown.")
  private @Nullable Long leaf;

  AdminSettlementsCommand(Tributary tributary, AdminCommand admin) {
    this.tributary = tributary;
    this.admin = admin;
  }

  @Override
  public Integer call() throws IOException {
    try (AdminClient client = admin.client()) {
      if (leaf == null) {
        list(client.settlements());
      } else {
        show(client.settlementLines(leaf));
      }
    }
    return 0;
  }

  private void list(List<Settlement> settlements) {
    if (tributary.json()) {
      settlements.forEach(tributary::printJson);
      return;
    }
    if (settlements.isEmpty()) {
      tributary.note("Nothing is settled yet.");
      return;
    }
    Table table =
        new Table().row("LEAF", "FROM", "TO", "FEES", "CREDITED", "NOBODY'S", "OPERATOR'S");
    for (Settlement each : settlements) {
      String currency = each.getCurrency();
      table.row(
          Long.toString(each.getLeafIndex()),
          Texts.time(true, each.getPeriod().getStart()),
          Texts.time(true, each.getPeriod().getEnd()),
          Texts.amount(each.getFeeMicros(), currency),
          Texts.amount(each.getCreditedMicros(), currency),
          Texts.amount(each.getUnattributedMicros(), currency),
          Texts.amount(each.getOperatorMicros(), currency));
    }
    tributary.terminal().table(table);
  }

  private void show(List<SettlementLine> lines) {
    if (tributary.json()) {
      lines.forEach(tributary::printJson);
      return;
    }
    if (lines.isEmpty()) {
      tributary.note("It credits nobody.");
      return;
    }
    Table table = new Table().row("TENANT", "CONTRIBUTOR", "VERSION", "ANSWERS", "EARNED");
    for (SettlementLine line : lines) {
      table.row(
          line.getTenant(),
          line.getContributor(),
          Texts.shortDigest(line.getDigest()),
          Long.toString(line.getGenerations()),
          Texts.amount(line.getAmountMicros(), ""));
    }
    tributary.terminal().table(table);
  }
}
