package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.UpdateTenantRequest;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary admin tenants`: one method per command.
@Command(name = "tenants", description = "Look after tenants: namespaces with keys and quotas.")
final class AdminTenants {
  private final Tributary tributary;
  private final AdminCommand admin;

  AdminTenants(Tributary tributary, AdminCommand admin) {
    this.tributary = tributary;
    this.admin = admin;
  }

  @Command(name = "list", description = "List the tenants.")
  int list() throws IOException {
    List<Tenant> tenants;
    try (AdminClient client = admin.client()) {
      tenants = client.tenants();
    }
    if (tributary.json()) {
      tenants.forEach(tributary::printJson);
      return 0;
    }
    Table table = new Table().row("NAME", "DISPLAY NAME", "CREATED");
    for (Tenant tenant : tenants) {
      table.row(
          tenant.getName(),
          tenant.getDisplayName().isEmpty() ? "-" : tenant.getDisplayName(),
          Texts.time(tenant.hasCreateTime(), tenant.getCreateTime()));
    }
    tributary.terminal().table(table);
    return 0;
  }

  @Command(name = "show", description = "Show a tenant and its quota.")
  int show(@Parameters(paramLabel = "TENANT", description = "Its name.") String name)
      throws IOException {
    try (AdminClient client = admin.client()) {
      print(client.tenant(name));
    }
    return 0;
  }

  @Command(name = "create", description = "Make a tenant; `admin keys create` makes its keys.")
  int create(
      @Option(
              names = "--display-name",
              paramLabel = "TEXT",
              defaultValue = "",
              description = "For people.")
          String displayName,
      @Mixin QuotaOptions limits,
      @Parameters(paramLabel = "TENANT", description = "1 to 63 of a-z, 0-9 and -.") String name)
      throws IOException {
    Tenant wanted =
        Tenant.newBuilder()
            .setName(name)
            .setDisplayName(displayName)
            .setQuota(limits.quota())
            .build();
    try (AdminClient client = admin.client()) {
      print(client.createTenant(wanted));
    }
    return 0;
  }

  @Command(name = "update", description = "Change a tenant; `admin quotas set` changes its quota.")
  int update(
      @Option(
              names = "--display-name",
              paramLabel = "TEXT",
              required = true,
              description = "For people.")
          String displayName,
      @Parameters(paramLabel = "TENANT", description = "Its name.") String name)
      throws IOException {
    UpdateTenantRequest.Builder request = UpdateTenantRequest.newBuilder();
    request.getTenantBuilder().setName(name).setDisplayName(displayName);
    request.getUpdateMaskBuilder().addPaths("display_name");
    try (AdminClient client = admin.client()) {
      print(client.updateTenant(request.build()));
    }
    return 0;
  }

  @Command(name = "delete", description = "Delete a tenant that has no adapters, and its keys.")
  int delete(
      @Mixin ConfirmOption confirm,
      @Parameters(paramLabel = "TENANT", description = "Its name.") String name)
      throws IOException {
    confirm.require(tributary.terminal(), "Delete tenant " + name + " and its keys?");
    try (AdminClient client = admin.client()) {
      client.deleteTenant(name);
    }
    tributary.done("tenant " + name + " is deleted");
    return 0;
  }

  private void print(Tenant tenant) {
    if (tributary.json()) {
      tributary.printJson(tenant);
      return;
    }
    Table table =
        new Table()
            .row("name", tenant.getName())
            .row("display name", tenant.getDisplayName().isEmpty() ? "-" : tenant.getDisplayName())
            .row("created", Texts.time(tenant.hasCreateTime(), tenant.getCreateTime()));
    QuotaOptions.rows(tenant.getQuota(), table);
    tributary.terminal().facts(table);
  }
}
