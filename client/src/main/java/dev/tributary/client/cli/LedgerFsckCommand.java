package dev.tributary.client.cli;

import dev.tributary.client.Finding;
import dev.tributary.client.Head;
import dev.tributary.client.LedgerFolder;
import dev.tributary.client.LedgerFsck;
import dev.tributary.client.UnmetException;
import dev.tributary.tlog.Policy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `tributary ledger fsck`: an exported folder, checked byte by byte.
@Command(
    name = "fsck",
    description = {
      "Check an exported log offline: hash every entry again, compare every tile, and the"
          + " checkpoint's root and signatures. A server's own data folder is another thing."
    })
final class LedgerFsckCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Mixin private TrustOptions trust = new TrustOptions();

  @Parameters(paramLabel = "DIR", description = "Folder that `ledger export` wrote.")
  private Path folder = Path.of("");

  LedgerFsckCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    Head head =
        new LedgerFolder(folder)
            .head()
            .orElseThrow(() -> new UnmetException(folder + " has no checkpoint"));
    Policy policy = trust.offline(tributary, head);
    head.require(policy);
    LedgerFsck fsck = new LedgerFsck(folder, head);
    ProgressBar bar = ProgressBar.counting(tributary, head.size(), "entries");
    List<Finding> findings;
    try {
      findings = fsck.run(bar::at);
    } finally {
      bar.end();
    }
    Terminal terminal = tributary.terminal();
    if (tributary.json()) {
      tributary.printJson(Heads.json(head, findings).build());
    } else {
      terminal.out().println(terminal.printable(Heads.text(head)));
      findings.forEach(finding -> terminal.out().println(terminal.printable(finding.sentence())));
      terminal
          .out()
          .println(
              findings.isEmpty()
                  ? fsck.files() + " files are what the entries give"
                  : findings.size() + " findings");
      terminal.out().flush();
    }
    if (!policy.asksForWitnesses()) {
      tributary.note(TrustOptions.FORK);
    }
    return findings.isEmpty() ? 0 : 1;
  }
}
