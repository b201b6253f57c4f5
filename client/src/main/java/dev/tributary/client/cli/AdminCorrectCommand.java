package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.v1.CorrectCreditRequest;
import dev.tributary.v1.CorrectCreditRequest.Share;
import dev.tributary.v1.CorrectCreditResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary admin correct`: credits an answer otherwise.
@Command(
    name = "correct",
    description = {
      "Credit an answer otherwise than it was, as long as it is not settled.",
      "All shares are given anew; what they lack to the whole is nobody's, and so is what a version"
          + " earns that is only claimed, not trained or reproduced here."
    },
    footer = {
      "%nExample:",
      "  tributary admin correct acme 0190f3 --share ann@acme/town=40%% --reason \"copied from ann\""
    })
final class AdminCorrectCommand implements Callable<Integer> {
  private final Tributary tributary;
  private final AdminCommand admin;

  @Option(
      names = "--share",
      paramLabel = "CONTRIBUTOR@TENANT/ADAPTER=PERCENT",
      converter = CorrectionArgument.class,
      description = "A contributor's share, for one of the answer's adapters; repeatable.")
  private List<Share> shares = new ArrayList<>();

  @Option(
      names = "--base",
      paramLabel = "PERCENT",
      defaultValue = "0",
      converter = PartArgument.class,
      description = "The base's own share (default: ${DEFAULT-VALUE}).")
  private int base;

  @Option(
      names = "--reason",
      paramLabel = "TEXT",
      required = true,
      description = "One that its contributors may read.")
  private String reason = "";

  @Parameters(index = "0", paramLabel = "TENANT", description = "Whose answer.")
  private String tenant = "";

  @Parameters(index = "1", paramLabel = "GENERATION", description = "Id of the answer.")
  private String generation = "";

  AdminCorrectCommand(Tributary tributary, AdminCommand admin) {
    this.tributary = tributary;
    this.admin = admin;
  }

  @Override
  public Integer call() throws IOException {
    CorrectCreditResponse corrected;
    try (AdminClient client = admin.client()) {
      corrected =
          client.correctCredit(
              CorrectCreditRequest.newBuilder()
                  .setTenant(tenant)
                  .setGenerationId(generation)
                  .addAllShares(shares)
                  .setBasePpm(base)
                  .setReason(reason)
                  .build());
    }
    if (tributary.json()) {
      tributary.printJson(corrected);
    } else {
      tributary.note(
          "corrected by leaf %d; %s of it is nobody's"
              .formatted(corrected.getLeafIndex(), Texts.ppm(corrected.getUnattributedPpm())));
    }
    return 0;
  }
}
