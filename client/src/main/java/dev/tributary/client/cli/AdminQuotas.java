package dev.tributary.client.cli;

import com.google.protobuf.FieldMask;
import dev.tributary.client.AdminClient;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.UpdateTenantRequest;
import java.io.IOException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `tributary admin quotas`: one method per command.
@Command(name = "quotas", description = "Look after what tenants may use.")
final class AdminQuotas {
  private final Tributary tributary;
  private final AdminCommand admin;

  @Spec private CommandSpec command = CommandSpec.create();

  AdminQuotas(Tributary tributary, AdminCommand admin) {
    this.tributary = tributary;
    this.admin = admin;
  }

  @Command(name = "show", description = "Show a tenant's quota; - is the server's own limit.")
  int show(@Parameters(paramLabel = "TENANT", description = "Its name.") String name)
      throws IOException {
    try (AdminClient client = admin.client()) {
      print(client.tenant(name));
    }
    return 0;
  }

  @Command(
      name = "set",
      description = "Change a tenant's quota; what is not given stays as it is.",
      footer = {
        "%nExamples:",
        "  tributary admin quotas set acme --requests-per-minute 600 --adapter-bytes 10GB",
        "  tributary admin quotas set acme --requests-per-minute none",
        "  tributary admin quotas set acme --none"
      })
  int set(
      @Mixin QuotaOptions limits,
      @Option(names = "--none", description = "No limits but the server's own.") boolean none,
      @Parameters(paramLabel = "TENANT", description = "Its name.") String name)
      throws IOException {
    FieldMask mask = limits.mask();
    if (none == (mask.getPathsCount() > 0)) {
      throw new CommandLine.ParameterException(
          command.subcommands().get("set"), "give limits to change, or --none alone");
    }
    UpdateTenantRequest.Builder request = UpdateTenantRequest.newBuilder();
    request.getTenantBuilder().setName(name).setQuota(limits.quota());
    request.setUpdateMask(none ? FieldMask.newBuilder().addPaths("quota").build() : mask);
    try (AdminClient client = admin.client()) {
      print(client.updateTenant(request.build()));
    }
    return 0;
  }

  private void print(Tenant tenant) {
    if (tributary.json()) {
      tributary.printJson(tenant.getQuota());
    } else {
      Table table = new Table();
      QuotaOptions.rows(tenant.getQuota(), table);
      tributary.terminal().facts(table);
    }
  }
}
