package dev.tributary.client.cli;

import dev.tributary.record.Check;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.Receipt;
import dev.tributary.record.ReceiptVerifier;
import dev.tributary.record.RecordException;
import dev.tributary.record.Sealed;
import dev.tributary.record.Trust;
import dev.tributary.v1.ReplayResult;
import dev.tributary.v1.ReplayResult.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Receipts as files.
final class ReceiptFiles {
  private ReceiptFiles() {}

  static byte[] read(Path file) throws IOException {
    if (Files.size(file) > Receipt.MAX_BYTES) {
      throw new IOException(file + " is too long for a receipt");
    }
    return Files.readAllBytes(file);
  }

  /// @throws IOException if it is none
  static Receipt parse(Path file) throws IOException {
    try {
      return Receipt.parse(read(file));
    } catch (RecordException e) {
      throw new IOException(file + " is no receipt: " + e.getMessage(), e);
    }
  }

  /// All checks, by whom the options name or whose key was pinned for the log that the receipt says
  /// it is of.
  ///
  /// @throws dev.tributary.client.UnmetException if nobody is trusted
  static List<Check> verify(Tributary tributary, TrustOptions options, byte[] receipt)
      throws IOException {
    Optional<Trust> given = options.given();
    if (given.isPresent()) {
      return ReceiptVerifier.verify(receipt, given.get());
    }
    String origin;
    try {
      origin = Receipt.parse(receipt).tree().origin();
    } catch (RecordException e) {
      return List.of(
          new Check(Check.Name.FORM, false, "This is no receipt: " + e.getMessage() + "."));
    }
    return ReceiptVerifier.verify(receipt, options.offline(tributary, origin));
  }

  /// Whether a receipt that holds is of that generation, as far as it opens which.
  static boolean isOf(byte[] receipt, String generationId) {
    return Receipt.parse(receipt)
        .generation()
        .opened("generation.id")
        .map(field -> new String(field.data(), StandardCharsets.UTF_8).equals(generationId))
        .orElse(true);
  }

  /// A server's word about a replay, held against what it sent: one that says IDENTICAL and sends
  /// other tokens than the receipt's is DIFFERENT.
  ///
  /// @param tokens that the replay sent, the prompt's before them if it was echoed
  static ReplayResult compared(Receipt receipt, List<Integer> tokens, ReplayResult result) {
    Optional<Sealed> sealed = receipt.generation().sealed();
    if (result.getOutcome() != Outcome.OUTCOME_IDENTICAL || sealed.isEmpty()) {
      return result;
    }
    GenerationRecord generation = GenerationRecord.of(sealed.get());
    List<Integer> recorded = generation.output();
    List<Integer> sent =
        generation.echo() && tokens.size() >= generation.prompt().size()
            ? tokens.subList(generation.prompt().size(), tokens.size())
            : tokens;
    if (sent.equals(recorded)) {
      return result;
    }
    int position = 0;
    while (position < Math.min(sent.size(), recorded.size())
        && sent.get(position).equals(recorded.get(position))) {
      position++;
    }
    return result.toBuilder().setOutcome(Outcome.OUTCOME_DIFFERENT).setPosition(position).build();
  }
}
