package dev.tributary.client.cli;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.tributary.record.Proven;
import dev.tributary.record.Receipt;
import dev.tributary.record.RecordException;
import dev.tributary.tlog.NoteSignature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// `tributary receipt open`: what a receipt says.
@Command(
    name = "open",
    description = {
      "Show what a receipt says, prompt and answer as token ids. Asks no server, and checks"
          + " nothing: that is `tributary receipt verify`."
    },
    footer = {"%nExample:", "  tributary receipt open answer.receipt"})
final class ReceiptOpenCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Parameters(paramLabel = "FILE", description = "A receipt.")
  private Path file = Path.of("");

  ReceiptOpenCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    Receipt receipt = ReceiptFiles.parse(file);
    List<Proven> records = receipt.records().toList();
    try {
      if (tributary.json()) {
        tributary.printJson(json(receipt, records));
      } else {
        print(receipt, records);
      }
    } catch (RecordException e) {
      throw new IOException(file + " cannot be read: " + e.getMessage(), e);
    }
    return 0;
  }

  private void print(Receipt receipt, List<Proven> records) {
    Terminal terminal = tributary.terminal();
    for (Proven record : records) {
      terminal.out().println(terminal.bold(title(record)));
      terminal.facts(RecordFacts.of(record).table());
    }
    terminal.out().println(terminal.bold("checkpoint"));
    terminal.facts(checkpoint(receipt).table());
  }

  private static String title(Proven record) {
    return record.kind().word().replace('_', ' ');
  }

  private static Facts checkpoint(Receipt receipt) {
    return new Facts()
        .put("log", receipt.tree().origin())
        .put("entries", receipt.tree().size())
        .put("root", receipt.tree().root().text())
        .texts(
            "said to be signed by",
            receipt.checkpoint().signatures().stream().map(NoteSignature::name).toList());
  }

  private static Struct json(Receipt receipt, List<Proven> records) {
    ListValue.Builder list = ListValue.newBuilder();
    for (Proven record : records) {
      list.addValues(
          Value.newBuilder()
              .setStructValue(
                  RecordFacts.of(record).json().toBuilder()
                      .putFields("kind", Heads.text(title(record)))));
    }
    return Struct.newBuilder()
        .putFields("records", Value.newBuilder().setListValue(list).build())
        .putFields(
            "checkpoint", Value.newBuilder().setStructValue(checkpoint(receipt).json()).build())
        .build();
  }
}
