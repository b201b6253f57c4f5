package dev.tributary.client.cli;

import dev.tributary.client.Head;
import dev.tributary.client.TributaryClient;
import dev.tributary.client.UnmetException;
import dev.tributary.record.Check;
import dev.tributary.v1.Receipt;
import dev.tributary.v1.ReceiptFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary receipt get`: a receipt becomes a file.
@Command(
    name = "get",
    description = {
      "Write the receipt of one's own generation to a file that only its owner may read: it opens"
          + " the prompt and the answer to whoever has it.",
      "At first contact with a log its key is pinned, and said."
    },
    footer = {"%nExample:", "  tributary receipt get g-7 -o answer.receipt --wait"})
final class ReceiptGetCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Mixin private TrustOptions trust = new TrustOptions();
  @Mixin private TimeoutOption timeout = new TimeoutOption();

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE",
      required = true,
      description = "File to write, over one that is there.")
  private Path out = Path.of("");

  @Option(
      names = "--wait",
      description = "Wait for the attribution and a checkpoint that holds it.")
  private boolean wait;

  @Parameters(paramLabel = "ID", description = "Of the generation.")
  private String id = "";

  ReceiptGetCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    byte[] bytes;
    Receipt summary;
    try (TributaryClient client = tributary.client();
        SecretFile file = SecretFile.prepare(out)) {
      ReceiptFile receipt =
          wait
              ? client.receipts().get(id, witnessed(), timeout.time())
              : client.receipts().get(id, witnessed());
      bytes = receipt.getFile().toByteArray();
      summary = receipt.getSummary();
      // Kept even if it does not hold: then it is evidence.
      file.write(bytes);
      if (trust.given().isEmpty()) {
        firstContact(client.ledger().newest());
      }
    }
    print(summary);
    return verified(bytes) ? 0 : 1;
  }

  private void firstContact(Head head) throws IOException {
    if (head.shown().isPresent() && tributary.pins().pinned(head.origin()).isEmpty()) {
      TrustOptions.pin(tributary, head, head.shown().get());
    }
  }

  /// Whether the receipt is of that generation and holds; says what does not.
  private boolean verified(byte[] bytes) throws IOException {
    List<Check> checks = ReceiptFiles.verify(tributary, trust, bytes);
    boolean holds = checks.stream().allMatch(Check::ok);
    checks.stream()
        .filter(check -> !check.ok())
        .forEach(
            check -> tributary.note("FAILS " + check.name().words() + ": " + check.sentence()));
    if (holds && !ReceiptFiles.isOf(bytes, id)) {
      throw new UnmetException("the receipt is of another generation than " + id);
    }
    boolean witnessed = witnessed();
    if (holds) {
      tributary.note(witnessed ? "it holds" : "it holds; " + TrustOptions.FORK);
    }
    return holds;
  }

  private boolean witnessed() throws IOException {
    return trust.given().map(t -> t.policy().asksForWitnesses()).orElse(false);
  }

  private void print(Receipt summary) {
    if (tributary.json()) {
      tributary.printJson(summary);
      return;
    }
    tributary
        .terminal()
        .facts(
            new Table()
                .row("generation", summary.getGenerationId())
                .row("leaf", summary.hasLeafIndex() ? "" + summary.getLeafIndex() : "-")
                .row("shares", ReceiptListCommand.shares(summary))
                .row("file", out.toString()));
  }
}
