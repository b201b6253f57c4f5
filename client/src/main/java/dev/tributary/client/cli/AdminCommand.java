package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import java.io.IOException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// `tributary admin`: the group of commands that ask a server's admin port.
@Command(
    name = "admin",
    description = {
      "Operate a server: tenants, keys, quotas, prices and what follows from them.",
      "Asks the admin port, which wants the admin key: --admin-key-file, or for a server on this"
          + " machine DATA/admin.key in the default data folder."
    })
final class AdminCommand {
  private final Tributary tributary;

  @Mixin private final AdminPort port = new AdminPort();

  private AdminCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  static CommandLine line(Tributary tributary) {
    AdminCommand admin = new AdminCommand(tributary);
    CommandLine line = new CommandLine(admin);
    line.addSubcommand(new AdminTenants(tributary, admin));
    line.addSubcommand(new AdminKeys(tributary, admin));
    line.addSubcommand(new AdminQuotas(tributary, admin));
    line.addSubcommand(new AdminPrices(tributary, admin));
    line.addSubcommand(new AdminSettleCommand(tributary, admin));
    line.addSubcommand(new AdminSettlementsCommand(tributary, admin));
    line.addSubcommand(new AdminCorrectCommand(tributary, admin));
    line.addSubcommand(new AdminEraseCommand(tributary, admin));
    line.addSubcommand(new AdminStatsCommand(tributary, admin));
    line.addSubcommand(new AdminDrainCommand(tributary, admin));
    return line;
  }

  /// Opens a client of the admin port.
  AdminClient client() throws IOException {
    return port.client(tributary);
  }
}
