package dev.tributary.client.cli;

import dev.tributary.client.Answer;
import dev.tributary.client.TributaryClient;
import dev.tributary.client.UnmetException;
import dev.tributary.record.Check;
import dev.tributary.record.Receipt;
import dev.tributary.record.RecordException;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.ReplayResult;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary receipt explain`: why a receipt's shares are what they are.
@Command(
    name = "explain",
    description = {
      "Check a receipt, compute its shares again from its evidence, and show why: which parts of"
          + " the answer stand in whose data, how strongly it was drawn on, and what cannot be"
          + " told.",
      "A receipt has the answer as tokens. To see its text marked, give the text that was kept, or"
          + " have the server compute it again.",
      "The exit code is 0 only if the receipt holds and its shares follow from its evidence, as far"
          + " as it shows any."
    },
    footer = {
      "%nExamples:",
      "  tributary receipt explain answer.receipt",
      "  tributary receipt explain answer.receipt --text answer.txt --policy operator.policy"
    })
final class ReceiptExplainCommand implements Callable<Integer> {
  private static final int MAX_TEXT_BYTES = 16 << 20;

  private final Tributary tributary;

  @Mixin private TrustOptions trust = new TrustOptions();
  @ArgGroup private @Nullable TextOptions text;

  @Parameters(paramLabel = "FILE", description = "A receipt.")
  private Path file = Path.of("");

  /// Where the answer's text is from.
  static final class TextOptions {
    @Option(
        names = "--text",
        paramLabel = "TEXT",
        description = "File with the answer's text, as it came from the server.")
    private @Nullable Path file;

    @Option(
        names = "--replay",
        description = "Ask the server for the same generation again, and show its text.")
    private boolean replay;
  }

  ReceiptExplainCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    Receipt receipt = ReceiptFiles.parse(file);
    List<String> failures = failures(receipt.bytes());
    Explanation explanation;
    try {
      explanation =
          Explanation.of(receipt)
              .orElseThrow(
                  () ->
                      new UnmetException(
                          "the receipt has no attribution yet: get it again with --wait"));
    } catch (RecordException e) {
      throw new IOException(file + " cannot be read: " + e.getMessage(), e);
    }
    ExplanationPrinter printer = new ExplanationPrinter(tributary.terminal(), explanation);
    Optional<byte[]> answer = answer(receipt);
    if (tributary.json()) {
      tributary.printJson(printer.json(failures));
    } else {
      try {
        printer.print(answer);
      } catch (IllegalArgumentException e) {
        throw new UnmetException("the text is not that of this answer: " + e.getMessage());
      }
    }
    failures.forEach(tributary::note);
    return failures.isEmpty() && explanation.holds() ? 0 : 1;
  }

  /// Sentences; none if the receipt holds.
  private List<String> failures(byte[] receipt) throws IOException {
    try {
      return ReceiptFiles.verify(tributary, trust, receipt).stream()
          .filter(check -> !check.ok())
          .map(ReceiptExplainCommand::text)
          .toList();
    } catch (UnmetException e) {
      return List.of("the receipt is not verified: " + e.getMessage());
    }
  }

  private static String text(Check check) {
    return "FAILS " + check.name().words() + ": " + check.sentence();
  }

  /// In UTF-8.
  private Optional<byte[]> answer(Receipt receipt) throws IOException {
    if (text == null) {
      return Optional.empty();
    }
    if (text.file == null) {
      return Optional.of(replayed(receipt).getBytes(StandardCharsets.UTF_8));
    }
    if (Files.size(text.file) > MAX_TEXT_BYTES) {
      throw new IOException(text.file + " is too long for an answer");
    }
    return Optional.of(Files.readAllBytes(text.file));
  }

  /// The text of a replay that gave the receipt's tokens.
  private String replayed(Receipt receipt) throws IOException {
    StringBuilder replayed = new StringBuilder();
    List<Integer> tokens = new ArrayList<>();
    ReplayResult result = ReplayResult.getDefaultInstance();
    try (TributaryClient client = tributary.client();
        Answer answer = client.receipts().replay(receipt.bytes())) {
      while (answer.hasNext()) {
        GenerateEvent event = answer.next();
        replayed.append(event.getDelta().getText());
        tokens.addAll(event.getDelta().getTokenIdsList());
        if (event.hasFinished()) {
          result = event.getFinished().getReplay();
        }
      }
    }
    result = ReceiptFiles.compared(receipt, tokens, result);
    if (result.getOutcome() != ReplayResult.Outcome.OUTCOME_IDENTICAL) {
      throw new UnmetException(
          "the replay gave no text of this answer: "
              + result.getOutcome().name().substring("OUTCOME_".length()));
    }
    return replayed.toString();
  }
}
