package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.Attribution;
import dev.tributary.v1.ListReceiptsRequest;
import dev.tributary.v1.Receipt;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `tributary receipt list`: one's own generations.
@Command(
    name = "list",
    description = "List receipts of one's own generations, newest first.",
    footer = {"%nExample:", "  tributary receipt list --since 7d --adapter town-guide"})
final class ReceiptListCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Option(
      names = "--since",
      paramLabel = "TIME",
      converter = TimeArgument.class,
      description = "Ended at this time or later: 7d (ago), 2027-01-31, 2027-01-31T12:00:00Z.")
  private @Nullable Instant since;

  @Option(
      names = "--until",
      paramLabel = "TIME",
      converter = TimeArgument.class,
      description = "Ended before this time.")
  private @Nullable Instant until;

  @Option(
      names = "--adapter",
      paramLabel = "NAME",
      defaultValue = "",
      description = "By this adapter, NAME or TENANT/NAME.")
  private String adapter = "";

  @Option(
      names = "--contributor",
      paramLabel = "NAME",
      defaultValue = "",
      description = "With a share of this contributor.")
  private String contributor = "";

  ReceiptListCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    ListReceiptsRequest.Builder request =
        ListReceiptsRequest.newBuilder().setAdapter(adapter).setContributor(contributor);
    if (since != null || until != null) {
      request.setTime(TimeArgument.range(since, until));
    }
    List<Receipt> receipts;
    try (TributaryClient client = tributary.client()) {
      receipts = client.receipts().list(request.build());
    }
    if (tributary.json()) {
      receipts.forEach(tributary::printJson);
    } else if (receipts.isEmpty()) {
      tributary.note("There are no such receipts; `tributary generate TEXT` makes one.");
    } else {
      print(receipts);
    }
    return 0;
  }

  private void print(List<Receipt> receipts) {
    Table table = new Table().row("GENERATION", "ENDED", "LEAF", "ADAPTERS", "SHARES");
    for (Receipt receipt : receipts) {
      table.row(
          receipt.getGenerationId(),
          Texts.time(receipt.hasEndTime(), receipt.getEndTime()),
          receipt.hasLeafIndex() ? Long.toString(receipt.getLeafIndex()) : "-",
          receipt.getAdapterDigestsCount() == 0
              ? "base"
              : receipt.getAdapterDigestsList().stream()
                  .map(Texts::shortDigest)
                  .collect(Collectors.joining(" + ")),
          shares(receipt));
    }
    tributary.terminal().table(table);
  }

  /// `ann 40%, base 25%, unattributed 35%`.
  static String shares(Receipt receipt) {
    return switch (receipt.getOutcomeCase()) {
      case ATTRIBUTION -> shares(receipt.getAttribution());
      case PENDING -> "pending";
      case OUTCOME_NOT_SET -> "-";
    };
  }

  private static String shares(Attribution attribution) {
    List<String> shares = new ArrayList<>();
    attribution
        .getSharesList()
        .forEach(share -> shares.add(share.getContributor() + " " + Texts.ppm(share.getPpm())));
    if (attribution.getBasePpm() > 0) {
      shares.add("base " + Texts.ppm(attribution.getBasePpm()));
    }
    if (attribution.getUnattributedPpm() > 0) {
      shares.add("unattributed " + Texts.ppm(attribution.getUnattributedPpm()));
    }
    return String.join(", ", shares);
  }
}
