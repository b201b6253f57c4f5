package dev.tributary.client.cli;

import dev.tributary.client.Head;
import dev.tributary.client.Ledger;
import dev.tributary.client.StatementCheck;
import dev.tributary.client.TributaryClient;
import dev.tributary.tlog.Policy;
import dev.tributary.v1.Statement;
import dev.tributary.v1.TimeRange;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary contributions statement`: what a contributor's data did, and earned.
@Command(
    name = "statement",
    description = {
      "Show what a contributor's data did in a period of whole hours, and what it earned.",
      "What is settled must be proved to stand in the log."
    },
    footer = {
      "%nExamples:",
      "  tributary contributions statement ann",
      "  tributary contributions statement ann --from 2026-11-01 --to 2026-12-01"
    })
final class ContributionsStatementCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Mixin private TrustOptions trust = new TrustOptions();

  @Option(
      names = "--from",
      paramLabel = "TIME",
      defaultValue = "30d",
      converter = TimeArgument.class,
      description =
          "Begin of the period: 2027-01-31, 2027-01-31T12:00:00Z, or 30d ago"
              + " (default: ${DEFAULT-VALUE}).")
  private Instant from = Instant.EPOCH;

  @Option(
      names = "--to",
      paramLabel = "TIME",
      converter = TimeArgument.class,
      description =
          "End of the period, which is not part of it (default: the end of the hour that it is).")
  private @Nullable Instant to;

  @Parameters(paramLabel = "CONTRIBUTOR", description = "Whose data.")
  private String contributor = "";

  ContributionsStatementCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    try (TributaryClient client = tributary.client()) {
      TimeRange period = TimeArgument.range(from, to == null ? thisHoursEnd() : to);
      Statement statement = client.contributions().statement(contributor, period);
      if (tributary.json()) {
        tributary.printJson(statement);
      } else {
        print(statement);
      }
      check(client.ledger(), statement, period);
    }
    return 0;
  }

  private static Instant thisHoursEnd() {
    return Instant.now().truncatedTo(ChronoUnit.HOURS).plus(1, ChronoUnit.HOURS);
  }

  /// Settled lines are to be found in the log.
  private void check(Ledger ledger, Statement statement, TimeRange period) throws IOException {
    if (statement.getLinesList().stream().noneMatch(Statement.Line::getSettled)) {
      return;
    }
    Head head = ledger.newest();
    Policy policy = trust.contact(tributary, head);
    if (policy.asksForWitnesses()) {
      head = ledger.newest(policy);
    }
    head.require(policy);
    int settlements = new StatementCheck(ledger, head).require(statement, period);
    tributary.note(
        "the settled lines stand in %d settlements of the log%s"
            .formatted(settlements, policy.asksForWitnesses() ? "" : "; " + TrustOptions.FORK));
  }

  private void print(Statement statement) {
    Table table =
        new Table().row("ADAPTER", "DIGEST", "ANSWERS", "SHARE OF THEM", "EARNED", "SETTLED");
    for (Statement.Line line : statement.getLinesList()) {
      table.row(
          Texts.name(line.getAdapter()) + "@" + line.getNumber(),
          Texts.shortDigest(line.getDigest()),
          Long.toString(line.getGenerations()),
          line.getGenerations() == 0 ? "-" : Texts.ppm(line.getPpm() / line.getGenerations()),
          Texts.amount(line.getAmountMicros(), statement.getCurrency()),
          line.getSettled() ? "yes" : "not yet");
    }
    if (statement.getLinesCount() == 0) {
      tributary.note(
          "No answer in this period earned %s anything: a share counts where the answer has a price"
                  .formatted(contributor)
              + " and the version was trained or reproduced here (receipts show the others).");
    } else {
      tributary.terminal().table(table);
    }
    tributary
        .terminal()
        .facts(
            new Table()
                .row("earned", Texts.amount(statement.getAmountMicros(), statement.getCurrency()))
                .row(
                    "closed",
                    statement.hasSettlementLeafIndex()
                        ? "by leaf " + statement.getSettlementLeafIndex()
                        : "not yet"));
  }
}
