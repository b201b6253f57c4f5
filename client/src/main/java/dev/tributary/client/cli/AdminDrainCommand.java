package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.client.UnmetException;
import dev.tributary.v1.DrainResponse;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `tributary admin drain`: no new generations.
@Command(
    name = "drain",
    description = "Stop taking generations, and wait until the last one in flight ended.")
final class AdminDrainCommand implements Callable<Integer> {
  private final Tributary tributary;
  private final AdminCommand admin;

  @Mixin private TimeoutOption timeout = new TimeoutOption();

  @Option(names = "--undo", description = "Take generations again instead.")
  private boolean undo;

  AdminDrainCommand(Tributary tributary, AdminCommand admin) {
    this.tributary = tributary;
    this.admin = admin;
  }

  @Override
  public Integer call() throws IOException {
    DrainResponse response;
    try (AdminClient client = admin.client()) {
      response = undo ? client.undrain() : client.drain(timeout.time());
    }
    if (tributary.json()) {
      tributary.printJson(response);
    } else {
      tributary
          .terminal()
          .facts(
              new Table()
                  .row("draining", response.getDraining() ? "yes" : "no")
                  .row("running", response.getRunningRequests() + " requests"));
    }
    if (response.getDraining() == undo) {
      throw new UnmetException(
          "the server says that it is %sdraining".formatted(undo ? "" : "not "));
    }
    if (!undo && response.getRunningRequests() > 0) {
      throw new UnmetException(
          response.getRunningRequests() + " requests are still in flight; repeat to wait for them");
    }
    return 0;
  }
}
