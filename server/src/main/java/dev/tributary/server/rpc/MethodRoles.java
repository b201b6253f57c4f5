package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.MethodRoles.Audience.ADMINS;
import static dev.tributary.server.rpc.MethodRoles.Audience.ANYBODY;
import static dev.tributary.server.rpc.MethodRoles.Audience.AUDITORS;
import static dev.tributary.server.rpc.MethodRoles.Audience.CONTRIBUTORS;
import static dev.tributary.server.rpc.MethodRoles.Audience.EVERY_KEY;
import static dev.tributary.server.rpc.MethodRoles.Audience.OWNERS;
import static dev.tributary.server.rpc.MethodRoles.Audience.READERS;
import static dev.tributary.server.rpc.MethodRoles.Audience.USERS;

import dev.tributary.server.state.Role;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Who may call which method: every method of every service that a port of this server has.
final class MethodRoles {
  /// Whom a method is for.
  enum Audience {
    /// Also those without a key.
    ANYBODY(EnumSet.allOf(Role.class)),
    EVERY_KEY(EnumSet.allOf(Role.class)),
    USERS(EnumSet.of(Role.USER, Role.OWNER, Role.ADMIN)),
    OWNERS(EnumSet.of(Role.OWNER, Role.ADMIN)),
    CONTRIBUTORS(EnumSet.of(Role.CONTRIBUTOR, Role.ADMIN)),
    AUDITORS(EnumSet.of(Role.AUDITOR, Role.ADMIN)),
    /// Those whose answers they are, and those who check them.
    READERS(EnumSet.of(Role.USER, Role.OWNER, Role.AUDITOR, Role.ADMIN)),
    ADMINS(EnumSet.of(Role.ADMIN));

    private final Set<Role> roles;

    Audience(Set<Role> roles) {
      this.roles = roles;
    }

    boolean admits(Role role) {
      return roles.contains(role);
    }

    /// Such as `OWNER or ADMIN`.
    String text() {
      return roles.stream().map(Role::name).collect(Collectors.joining(" or "));
    }
  }

  private static final Map<String, Audience> TABLE =
      Stream.of(
              rows(
                  "tributary.v1.Inference",
                  USERS,
                  "Generate",
                  "GenerateOnce",
                  "Score",
                  "CountTokens"),
              rows("tributary.v1.Inference", EVERY_KEY, "GetModel"),
              rows("tributary.v1.Inference", READERS, "Replay"),
              rows(
                  "tributary.v1.Adapters",
                  USERS,
                  "GetAdapter",
                  "ListAdapters",
                  "ListVersions",
                  "WatchAdapters"),
              rows(
                  "tributary.v1.Adapters",
                  OWNERS,
                  "CreateAdapter",
                  "UploadVersion",
                  "ImportVersion",
                  "UpdateAdapter",
                  "DeleteAdapter",
                  "DeleteVersion",
                  "SetAlias",
                  "Load",
                  "Unload",
                  "Pin",
                  "Unpin",
                  "IndexVersion"),
              rows("tributary.v1.Provenance", READERS, "GetReceipt"),
              // Ids of generations are their tenant's own to tell.
              rows("tributary.v1.Provenance", USERS, "ListReceipts"),
              // Checkpoints and proofs tell of no answer; whoever holds a receipt checks it so.
              rows(
                  "tributary.v1.Provenance",
                  EVERY_KEY,
                  "GetCheckpoint",
                  "GetInclusionProof",
                  "GetConsistencyProof",
                  "WatchCheckpoints"),
              rows("tributary.v1.Provenance", AUDITORS, "GetEntries"),
              rows("tributary.v1.Provenance", CONTRIBUTORS, "GetStatement"),
              rows(
                  "tributary.v1.Provenance",
                  OWNERS,
                  "RegisterContributions",
                  "WithdrawContribution"),
              rows("tributary.v1.Training", OWNERS, "Start", "Watch", "Cancel", "List", "Get"),
              rows(
                  "tributary.v1.Admin",
                  ADMINS,
                  "CreateTenant",
                  "GetTenant",
                  "ListTenants",
                  "UpdateTenant",
                  "DeleteTenant",
                  "CreateKey",
                  "ListKeys",
                  "RevokeKey",
                  "CreatePriceRule",
                  "ListPriceRules",
                  "Settle",
                  "ListSettlements",
                  "ListSettlementLines",
                  "CorrectCredit",
                  "EraseGeneration",
                  "GetStats",
                  "CertifyModel",
                  "ListCertificates",
                  "Drain"),
              // Those who ask whether a server is well, such as load balancers, have no key; and
              // what reflection tells is public.
              rows("grpc.health.v1.Health", ANYBODY, "Check", "Watch", "List"),
              rows("grpc.reflection.v1.ServerReflection", ANYBODY, "ServerReflectionInfo"),
              rows("xds.service.orca.v3.OpenRcaService", EVERY_KEY, "StreamCoreMetrics"),
              rows(
                  "grpc.channelz.v1.Channelz",
                  ADMINS,
                  "GetTopChannels",
                  "GetServers",
                  "GetServer",
                  "GetServerSockets",
                  "GetChannel",
                  "GetSubchannel",
                  "GetSocket"))
          .flatMap(rows -> rows.entrySet().stream())
          .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

  private MethodRoles() {}

  /// Whom `method` is for, by its full name such as `tributary.v1.Inference/Generate`; null if the
  /// table does not have it.
  static @Nullable Audience of(String method) {
    return TABLE.get(method);
  }

  private static Map<String, Audience> rows(String service, Audience audience, String... methods) {
    return Stream.of(methods)
        .collect(Collectors.toMap(method -> service + "/" + method, method -> audience));
  }
}
