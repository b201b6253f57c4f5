package dev.tributary.client.cli;

import dev.tributary.client.Answer;
import dev.tributary.client.TributaryClient;
import dev.tributary.record.Receipt;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.ReplayResult;
import dev.tributary.v1.ReplayResult.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// `tributary receipt replay`: the same generation again.
@Command(
    name = "replay",
    description = {
      "Have the server compute a receipt's answer again, and compare every bit.",
      "Says IDENTICAL; DIFFERENT and from which token on; or why nothing can be concluded:"
          + " OTHER_HARDWARE, VERSION_GONE, ERASED. Only DIFFERENT is a failure."
    },
    footer = {"%nExample:", "  tributary receipt replay answer.receipt"})
final class ReceiptReplayCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Parameters(paramLabel = "FILE", description = "A receipt.")
  private Path file = Path.of("");

  ReceiptReplayCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    Receipt receipt = ReceiptFiles.parse(file);
    List<Integer> tokens = new ArrayList<>();
    ReplayResult result = ReplayResult.getDefaultInstance();
    try (TributaryClient client = tributary.client();
        Answer answer = client.receipts().replay(receipt.bytes())) {
      while (answer.hasNext()) {
        GenerateEvent event = answer.next();
        tokens.addAll(event.getDelta().getTokenIdsList());
        if (event.hasFinished()) {
          result = event.getFinished().getReplay();
        }
      }
    }
    if (result.getOutcome() == Outcome.OUTCOME_UNSPECIFIED
        || result.getOutcome() == Outcome.UNRECOGNIZED) {
      throw new IOException("the server ended the replay without a result");
    }
    result = ReceiptFiles.compared(receipt, tokens, result);
    if (tributary.json()) {
      tributary.printJson(result);
    } else {
      tributary.terminal().out().println(text(result));
    }
    return result.getOutcome() == Outcome.OUTCOME_DIFFERENT ? 1 : 0;
  }

  private static String text(ReplayResult result) {
    return switch (result.getOutcome()) {
      case OUTCOME_IDENTICAL -> "IDENTICAL";
      case OUTCOME_DIFFERENT ->
          result.hasPosition()
              ? "DIFFERENT from generated token %d on".formatted(result.getPosition())
              : "DIFFERENT";
      case OUTCOME_OTHER_HARDWARE ->
          "OTHER_HARDWARE: recorded by %s, and this server is %s"
              .formatted(
                  Texts.shortDigest(result.getRecordedNumericsId()),
                  Texts.shortDigest(result.getNumericsId()));
      case OUTCOME_VERSION_GONE -> "VERSION_GONE: an adapter version or the base is no longer here";
      case OUTCOME_ERASED -> "ERASED: the record was erased";
      case OUTCOME_UNSPECIFIED, UNRECOGNIZED -> "no result";
    };
  }
}
