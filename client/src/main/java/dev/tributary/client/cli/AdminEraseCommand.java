package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary admin erase`: destroys what is recorded of an answer.
@Command(
    name = "erase",
    description = {
      "Destroy what is recorded of an answer, and all that was said of it, for ever.",
      "One that has a price must be settled before. Its leaves stay in the log, without what they"
          + " commit to; receipts that somebody holds are out of reach."
    },
    footer = {"%nExample:", "  tributary admin erase acme 0190f3 --cause \"request of a person\""})
final class AdminEraseCommand implements Callable<Integer> {
  private final Tributary tributary;
  private final AdminCommand admin;

  @Mixin private ConfirmOption confirm = new ConfirmOption();

  @Option(
      names = "--cause",
      paramLabel = "TEXT",
      defaultValue = "request",
      description = "Why, for the record of the erasure (default: ${DEFAULT-VALUE}).")
  private String cause = "request";

  @Parameters(index = "0", paramLabel = "TENANT", description = "Whose answer.")
  private String tenant = "";

  @Parameters(index = "1", paramLabel = "GENERATION", description = "Id of the answer.")
  private String generation = "";

  AdminEraseCommand(Tributary tributary, AdminCommand admin) {
    this.tributary = tributary;
    this.admin = admin;
  }

  @Override
  public Integer call() throws IOException {
    confirm.require(
        tributary.terminal(), "Erase generation %s of %s?".formatted(generation, tenant));
    try (AdminClient client = admin.client()) {
      client.eraseGeneration(tenant, generation, cause);
    }
    tributary.done("generation " + generation + " is erased");
    return 0;
  }
}
