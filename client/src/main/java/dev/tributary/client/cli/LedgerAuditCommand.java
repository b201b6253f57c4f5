package dev.tributary.client.cli;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.tributary.client.Finding;
import dev.tributary.client.Head;
import dev.tributary.client.Ledger;
import dev.tributary.client.LedgerAudit;
import dev.tributary.client.TributaryClient;
import dev.tributary.record.Kind;
import dev.tributary.tlog.Policy;
import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// `tributary ledger audit`: everything that anyone can find out from the log's entries.
@Command(
    name = "audit",
    description = {
      "Read the log on from where the audit before ended, hash every entry again, and report what"
          + " must not be: generations without an attribution, second attributions, settlements"
          + " that don't add up, replays that came out different. Wants the role auditor.",
      "A key rotation that the trusted key signed is followed."
    })
final class LedgerAuditCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Mixin private TrustOptions trust = new TrustOptions();

  LedgerAuditCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    LedgerAudit.Report report;
    boolean witnessed;
    try (TributaryClient client = tributary.client()) {
      Ledger ledger = client.ledger();
      Policy policy = trust.follow(tributary, ledger.newest());
      witnessed = policy.asksForWitnesses();
      Progress progress = new Progress();
      try {
        report = new LedgerAudit(ledger, tributary.audits(), progress).run(policy);
      } finally {
        progress.end();
      }
    }
    print(report);
    if (!witnessed) {
      tributary.note(TrustOptions.FORK);
    }
    return report.findings().isEmpty() ? 0 : 1;
  }

  private void print(LedgerAudit.Report report) {
    Map<Kind, Long> kinds = new EnumMap<>(Kind.class);
    kinds.putAll(report.kinds());
    if (tributary.json()) {
      Struct.Builder counts = Struct.newBuilder();
      kinds.forEach((kind, count) -> counts.putFields(kind.word(), Heads.number(count)));
      tributary.printJson(
          Heads.json(report.to(), report.findings())
              .putFields("signer", Heads.text(report.signer().toString()))
              .putFields("from", Heads.number(report.from().map(Head::size).orElse(0L)))
              .putFields("read", Value.newBuilder().setStructValue(counts).build())
              .build());
      return;
    }
    Terminal terminal = tributary.terminal();
    long from = report.from().map(Head::size).orElse(0L);
    Table table =
        new Table()
            .row("log", report.to().origin())
            .row("entries", "%d, read from %d on".formatted(report.to().size(), from))
            .row("root", report.to().checkpoint().root().text())
            .row("signed by", report.signer().toString());
    kinds.forEach((kind, count) -> table.row(kind.word().replace('_', ' '), Long.toString(count)));
    terminal.facts(table);
    for (Finding finding : report.findings()) {
      terminal.out().println(terminal.printable(finding.sentence()));
    }
    terminal
        .out()
        .println(
            report.findings().isEmpty()
                ? "nothing is wrong"
                : "%d findings".formatted(report.findings().size()));
    terminal.out().flush();
  }

  private final class Progress implements LedgerAudit.Listener {
    private @Nullable ProgressBar bar;

    @Override
    public void reading(long from, Head head) {
      end();
      if (head.size() > from) {
        bar = ProgressBar.counting(tributary, head.size(), "entries");
        bar.start(from);
      } else {
        bar = null;
      }
    }

    @Override
    public void read(long entries) {
      if (bar != null) {
        bar.at(entries);
      }
    }

    @Override
    public void waiting(int generations) {
      end();
      tributary.note(generations + " generations have no attribution yet; waiting for it a moment");
    }

    private void end() {
      if (bar != null) {
        bar.end();
      }
    }
  }
}
