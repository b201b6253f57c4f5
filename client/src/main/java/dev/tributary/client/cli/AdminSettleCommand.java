package dev.tributary.client.cli;

import com.google.protobuf.Timestamp;
import dev.tributary.client.AdminClient;
import dev.tributary.v1.Settlement;
import java.io.IOException;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `tributary admin settle`: closes a period.
@Command(
    name = "settle",
    description = {
      "Close the period since the last settlement: fix what its answers cost and whom that is"
          + " credited to.",
      "What attributions and corrections come later counts no more."
    },
    footer = {"%nExample:", "  tributary admin settle --until 2027-02-01"})
final class AdminSettleCommand implements Callable<Integer> {
  private final Tributary tributary;
  private final AdminCommand admin;

  @Mixin private ConfirmOption confirm = new ConfirmOption();

  @Option(
      names = "--until",
      paramLabel = "TIME",
      converter = HourArgument.class,
      description = {
        "End of the period, 2027-01-31 or 2027-01-31T12:00:00Z (without: the beginning of the"
            + " present hour)."
      })
  private @Nullable Instant until;

  AdminSettleCommand(Tributary tributary, AdminCommand admin) {
    this.tributary = tributary;
    this.admin = admin;
  }

  @Override
  public Integer call() throws IOException {
    Optional<Timestamp> end = Optional.ofNullable(until).map(TimeArgument::timestamp);
    confirm.require(
        tributary.terminal(),
        "Settle all up to "
            + end.map(time -> Texts.time(true, time)).orElse("this hour")
            + "? It can't be taken back.");
    Settlement settled;
    try (AdminClient client = admin.client()) {
      settled = client.settle(end);
    }
    if (tributary.json()) {
      tributary.printJson(settled);
    } else {
      tributary.terminal().facts(facts(settled));
    }
    return 0;
  }

  private static Table facts(Settlement settled) {
    String currency = settled.getCurrency();
    return new Table()
        .row("leaf", Long.toString(settled.getLeafIndex()))
        .row("from", Texts.time(true, settled.getPeriod().getStart()))
        .row("to", Texts.time(true, settled.getPeriod().getEnd()))
        .row("fees", Texts.amount(settled.getFeeMicros(), currency))
        .row("credited", Texts.amount(settled.getCreditedMicros(), currency))
        .row("nobody's", Texts.amount(settled.getUnattributedMicros(), currency))
        .row("operator's", Texts.amount(settled.getOperatorMicros(), currency));
  }
}
