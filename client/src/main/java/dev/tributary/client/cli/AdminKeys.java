package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.client.TributaryException;
import dev.tributary.client.UnmetException;
import dev.tributary.v1.CreateKeyResponse;
import dev.tributary.v1.Key;
import dev.tributary.v1.Role;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary admin keys`: one method per command.
///
/// A secret goes to standard output, alone, or to the file that `--out` names; never anywhere else.
@Command(name = "keys", description = "Look after API keys.")
final class AdminKeys {
  private final Tributary tributary;
  private final AdminCommand admin;

  AdminKeys(Tributary tributary, AdminCommand admin) {
    this.tributary = tributary;
    this.admin = admin;
  }

  /// The roles as they are typed.
  enum RoleName {
    USER,
    OWNER,
    CONTRIBUTOR,
    AUDITOR,
    ADMIN;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }

    private Role role() {
      return Role.valueOf("ROLE_" + name());
    }
  }

  @Command(name = "list", description = "List keys, without their secrets.")
  int list(
      @Parameters(
              paramLabel = "TENANT",
              arity = "0..1",
              defaultValue = "",
              description = "Whose (default: all tenants').")
          String tenant)
      throws IOException {
    List<Key> keys;
    try (AdminClient client = admin.client()) {
      keys = client.keys(tenant);
    }
    if (tributary.json()) {
      keys.forEach(tributary::printJson);
    } else if (keys.isEmpty()) {
      tributary.note(
          "There are no keys; `tributary admin keys create TENANT --role ROLE` makes one.");
    } else {
      print(keys);
    }
    return 0;
  }

  @Command(
      name = "create",
      description = {
        "Make a key. Its secret is written to standard output, this once, and nothing else is."
      },
      footer = {
        "%nExamples:",
        "  tributary admin keys create acme --role owner --out acme.key",
        "  tributary admin keys create acme --role user --expires 90d | vault-put acme"
      })
  int create(
      @Option(
              names = "--role",
              paramLabel = "ROLE",
              required = true,
              description = "One of ${COMPLETION-CANDIDATES}.")
          RoleName role,
      @Option(
              names = "--contributor",
              paramLabel = "NAME",
              defaultValue = "",
              description = "Whose statements a key of role contributor may read.")
          String contributor,
      @Option(
              names = "--display-name",
              paramLabel = "TEXT",
              defaultValue = "",
              description = "For people.")
          String displayName,
      @Option(
              names = "--expires",
              paramLabel = "TIME",
              converter = ExpiryArgument.class,
              description = "90d, 12h or 2027-01-31T00:00:00Z (default: never).")
          @Nullable Instant expires,
      @Option(
              names = "--out",
              paramLabel = "FILE",
              description = "Write the secret to this file, for its owner only.")
          @Nullable Path out,
      @Parameters(paramLabel = "TENANT", description = "Whose key.") String tenant)
      throws IOException {
    Key.Builder wanted =
        Key.newBuilder()
            .setTenant(tenant)
            .setRole(role.role())
            .setContributor(contributor)
            .setDisplayName(displayName);
    if (expires != null) {
      wanted.setExpireTime(TimeArgument.timestamp(expires));
    }
    try (AdminClient client = admin.client()) {
      make(client, wanted.build(), out);
    }
    return 0;
  }

  @Command(name = "revoke", description = "Revoke a key: calls with it are refused from now on.")
  int revoke(@Parameters(paramLabel = "KEY_ID", description = "Its id, not its secret.") String id)
      throws IOException {
    try (AdminClient client = admin.client()) {
      client.revokeKey(id);
    }
    tributary.done("key " + id + " is revoked");
    return 0;
  }

  @Command(
      name = "rotate",
      description = {
        "Make another key like this one, write its secret as `create` does, then revoke this one.",
        "With --keep-old both are good until `admin keys revoke`."
      })
  int rotate(
      @Option(names = "--keep-old", description = "Don't revoke the old key.") boolean keepOld,
      @Option(
              names = "--expires",
              paramLabel = "TIME",
              converter = ExpiryArgument.class,
              description = "Of the new key (default: as the old one).")
          @Nullable Instant expires,
      @Option(
              names = "--out",
              paramLabel = "FILE",
              description = "Write the secret to this file, for its owner only.")
          @Nullable Path out,
      @Parameters(paramLabel = "KEY_ID", description = "Its id, not its secret.") String id)
      throws IOException {
    try (AdminClient client = admin.client()) {
      Key old =
          client.keys("").stream()
              .filter(key -> key.getKeyId().equals(id))
              .findFirst()
              .orElseThrow(
                  () ->
                      new UnmetException(
                          "there is no key %s; `tributary admin keys list` shows what there is"
                              .formatted(id)));
      Key.Builder wanted = old.toBuilder().clearKeyId().clearCreateTime().clearLastUseTime();
      if (expires != null) {
        wanted.setExpireTime(TimeArgument.timestamp(expires));
      }
      make(client, wanted.build(), out);
      if (!keepOld) {
        client.revokeKey(id);
        tributary.note("key " + id + " is revoked");
      }
    }
    return 0;
  }

  /// Makes a key and hands its secret over; a key whose secret could not be is revoked.
  private void make(AdminClient client, Key wanted, @Nullable Path out) throws IOException {
    if (out == null) {
      CreateKeyResponse made = client.createKey(wanted);
      if (tributary.json()) {
        tributary.printJson(made);
      } else {
        tributary.terminal().out().println(made.getSecret());
      }
      if (tributary.terminal().out().checkError()) {
        throw lost(client, made, new IOException("standard output cannot be written"));
      }
      tributary.note(text(made.getKey()) + "; its secret is shown only now");
      return;
    }
    try (SecretFile file = SecretFile.prepare(out)) {
      CreateKeyResponse made = client.createKey(wanted);
      try {
        file.write(made.getSecret());
      } catch (IOException e) {
        throw lost(client, made, e);
      }
      if (tributary.json()) {
        tributary.printJson(made.getKey());
      }
      tributary.note(text(made.getKey()) + "; its secret is in " + out);
    }
  }

  private static IOException lost(AdminClient client, CreateKeyResponse made, IOException cause) {
    String id = made.getKey().getKeyId();
    try {
      client.revokeKey(id);
      return new IOException(
          "%s; the new key %s is revoked again".formatted(cause.getMessage(), id), cause);
    } catch (TributaryException e) {
      cause.addSuppressed(e);
      return new IOException(
          "%s; revoke the new key %s, whose secret is lost".formatted(cause.getMessage(), id),
          cause);
    }
  }

  private void print(List<Key> keys) {
    Table table =
        new Table().row("KEY", "TENANT", "ROLE", "DISPLAY NAME", "CREATED", "EXPIRES", "LAST USE");
    for (Key key : keys) {
      table.row(
          key.getKeyId(),
          key.getTenant(),
          role(key),
          key.getDisplayName().isEmpty() ? "-" : key.getDisplayName(),
          Texts.time(key.hasCreateTime(), key.getCreateTime()),
          key.hasExpireTime() ? Texts.time(true, key.getExpireTime()) : "never",
          key.hasLastUseTime() ? Texts.time(true, key.getLastUseTime()) : "never");
    }
    tributary.terminal().table(table);
  }

  private static String text(Key key) {
    return "key %s of tenant %s, role %s".formatted(key.getKeyId(), key.getTenant(), role(key));
  }

  private static String role(Key key) {
    String role = key.getRole().name().substring("ROLE_".length()).toLowerCase(Locale.ROOT);
    return key.getContributor().isEmpty() ? role : role + " " + key.getContributor();
  }
}
