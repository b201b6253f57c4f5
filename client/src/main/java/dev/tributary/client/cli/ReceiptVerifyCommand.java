package dev.tributary.client.cli;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.tributary.record.Check;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `tributary receipt verify`: what a receipt is worth, found out without a network.
@Command(
    name = "verify",
    description = {
      "Check a receipt offline: a sentence for each check, and exit code 0 only if all hold.",
      "Without --policy or --public-key, the key is believed that was pinned at first contact with"
          + " the log. A key in the receipt never is."
    },
    footer = {
      "%nExamples:",
      "  tributary receipt verify answer.receipt",
      "  tributary receipt verify answer.receipt --policy operator.policy"
    })
final class ReceiptVerifyCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Mixin private TrustOptions trust = new TrustOptions();

  @Parameters(paramLabel = "FILE", description = "A receipt.")
  private Path file = Path.of("");

  ReceiptVerifyCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    byte[] bytes = ReceiptFiles.read(file);
    List<Check> checks = ReceiptFiles.verify(tributary, trust, bytes);
    boolean holds = checks.stream().allMatch(Check::ok);
    if (tributary.json()) {
      tributary.printJson(json(checks, holds));
    } else {
      print(checks, holds);
    }
    return holds ? 0 : 1;
  }

  private void print(List<Check> checks, boolean holds) {
    Terminal terminal = tributary.terminal();
    Table table = new Table();
    for (Check check : checks) {
      table.row(check.ok() ? "holds" : "FAILS", check.name().words(), check.sentence());
    }
    terminal.facts(table);
    terminal.out().println(holds ? "the receipt holds" : "THE RECEIPT DOES NOT HOLD");
    terminal.out().flush();
  }

  private static Struct json(List<Check> checks, boolean holds) {
    ListValue.Builder list = ListValue.newBuilder();
    for (Check check : checks) {
      list.addValues(
          Value.newBuilder()
              .setStructValue(
                  Struct.newBuilder()
                      .putFields("name", Heads.text(check.name().words()))
                      .putFields("ok", flag(check.ok()))
                      .putFields("sentence", Heads.text(check.sentence()))));
    }
    return Struct.newBuilder()
        .putFields("holds", flag(holds))
        .putFields("checks", Value.newBuilder().setListValue(list).build())
        .build();
  }

  private static Value flag(boolean flag) {
    return Value.newBuilder().setBoolValue(flag).build();
  }
}
