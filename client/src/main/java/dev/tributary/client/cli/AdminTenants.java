package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.client.cli.RetentionArgument.Retention;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.UpdateTenantRequest;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `tributary admin tenants`: one method per command.
@Command(name = "tenants", description = "Look after tenants: namespaces with keys and quotas.")
final class AdminTenants {
  private static final String RETENTION = "TIME|none";
  private static final String RETENTION_HELP =
      "Erase its answers when they are so old, 30d or 12h; none: keep them.";

  private final Tributary tributary;
  private final AdminCommand admin;

  @Spec private CommandSpec command = CommandSpec.create();

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
      @Option(
              names = "--retention",
              paramLabel = RETENTION,
              converter = RetentionArgument.class,
              description = RETENTION_HELP)
          @Nullable Retention retention,
      @Mixin QuotaOptions limits,
      @Parameters(paramLabel = "TENANT", description = "1 to 63 of a-z, 0-9 and -.") String name)
      throws IOException {
    Tenant.Builder wanted =
        Tenant.newBuilder().setName(name).setDisplayName(displayName).setQuota(limits.quota());
    if (retention != null) {
      retention.time().ifPresent(wanted::setRetention);
    }
    try (AdminClient client = admin.client()) {
      print(client.createTenant(wanted.build()));
    }
    return 0;
  }

  @Command(
      name = "update",
      description = "Change a tenant; `admin quotas set` changes its quota.",
      footer = {"%nExample:", "  tributary admin tenants update acme --retention 30d"})
  int update(
      @Option(names = "--display-name", paramLabel = "TEXT", description = "For people.")
          @Nullable String displayName,
      @Option(
              names = "--retention",
              paramLabel = RETENTION,
              converter = RetentionArgument.class,
              description = RETENTION_HELP)
          @Nullable Retention retention,
      @Mixin ConfirmOption confirm,
      @Parameters(paramLabel = "TENANT", description = "Its name.") String name)
      throws IOException {
    UpdateTenantRequest.Builder request = UpdateTenantRequest.newBuilder();
    request.getTenantBuilder().setName(name);
    if (displayName != null) {
      request.getTenantBuilder().setDisplayName(displayName);
      request.getUpdateMaskBuilder().addPaths("display_name");
    }
    if (retention != null) {
      if (retention.time().isPresent()) {
        confirm.require(
            tributary.terminal(), "Erase all older answers of " + name + ", now and from now on?");
      }
      retention.time().ifPresent(request.getTenantBuilder()::setRetention);
      request.getUpdateMaskBuilder().addPaths("retention");
    }
    if (request.getUpdateMask().getPathsCount() == 0) {
      throw new CommandLine.ParameterException(
          command.subcommands().get("update"), "give --display-name, --retention or both");
    }
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
            .row("created", Texts.time(tenant.hasCreateTime(), tenant.getCreateTime()))
            .row("retention", RetentionArgument.text(tenant));
    QuotaOptions.rows(tenant.getQuota(), table);
    tributary.terminal().facts(table);
  }
}
