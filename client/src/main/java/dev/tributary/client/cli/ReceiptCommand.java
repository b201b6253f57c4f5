package dev.tributary.client.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `tributary receipt`: the group of commands about receipts.
@Command(
    name = "receipt",
    description = "Keep, read and check receipts: what answered, and whose data it came from.",
    footer = {
      "%nExample:",
      "  tributary receipt list --since 1d",
      "  tributary receipt get g-7 -o answer.receipt --wait",
      "  tributary receipt verify answer.receipt",
      "  tributary receipt explain answer.receipt",
      "  tributary receipt replay answer.receipt"
    })
final class ReceiptCommand {
  static CommandLine line(Tributary tributary) {
    CommandLine line = new CommandLine(new ReceiptCommand());
    line.addSubcommand(new ReceiptListCommand(tributary));
    line.addSubcommand(new ReceiptGetCommand(tributary));
    line.addSubcommand(new ReceiptOpenCommand(tributary));
    line.addSubcommand(new ReceiptVerifyCommand(tributary));
    line.addSubcommand(new ReceiptExplainCommand(tributary));
    line.addSubcommand(new ReceiptReplayCommand(tributary));
    return line;
  }
}
