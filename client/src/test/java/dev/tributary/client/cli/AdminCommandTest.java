package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.JsonFormat;
import dev.tributary.client.FakeAdmin;
import dev.tributary.client.FakeServer;
import dev.tributary.v1.CreateKeyResponse;
import dev.tributary.v1.Key;
import dev.tributary.v1.Quota;
import dev.tributary.v1.Role;
import dev.tributary.v1.UpdateTenantRequest;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdminCommandTest {
  private static final String SECRET = FakeAdmin.secret(1);

  @TempDir private Path folder;
  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private CommandRun.Result run(String... arguments) {
    return new CommandRun(server).run(arguments);
  }

  @Test
  void tenants_createdShownUpdatedListedDeleted() {
    CommandRun.Result made =
        run("admin", "tenants", "create", "acme", "--display-name", "Acme", "--weight", "200");
    assertThat(made.code()).isZero();
    assertThat(made.out())
        .isEqualTo(
            """
            name                 acme
            display name         Acme
            created              2027-01-15 08:00:00Z
            retention            -
            requests per minute  -
            tokens per minute    -
            concurrent requests  -
            queued requests      -
            adapters             -
            adapter bytes        -
            replays per hour     -
            weight               200
            resident bytes       -
            """);
    assertThat(run("admin", "tenants", "show", "acme").out()).isEqualTo(made.out());
    assertThat(run("admin", "tenants", "update", "acme", "--display-name", "Acme II").out())
        .contains("Acme II");
    assertThat(run("admin", "tenants", "list").out())
        .isEqualTo(
            """
            NAME    DISPLAY NAME  CREATED
            public  -             2027-01-15 08:00:00Z
            acme    Acme II       2027-01-15 08:00:00Z
            """);
    assertThat(run("--json", "admin", "tenants", "list").out().lines()).hasSize(2);
    assertThat(run("--json", "admin", "tenants", "show", "acme").out()).contains("\"acme\"");
    assertThat(run("admin", "tenants", "delete", "acme", "--yes").err())
        .isEqualTo("tenant acme is deleted\n");
    CommandRun.Result gone = run("admin", "tenants", "delete", "acme", "--yes");
    assertThat(gone.code()).isEqualTo(1);
    assertThat(gone.err())
        .isEqualTo("tributary: no \"acme\". `tributary admin tenants list` shows what there is\n");
  }

  @Test
  void quotas_set_changesOnlyWhatIsGiven() throws IOException {
    run("admin", "quotas", "set", "public", "--requests-per-minute", "600", "--adapters", "7");
    CommandRun.Result result =
        run(
            "admin",
            "quotas",
            "set",
            "public",
            "--requests-per-minute",
            "none",
            "--adapter-bytes",
            "10GB");
    assertThat(result.code()).isZero();
    UpdateTenantRequest request = server.admin.updates.stream().toList().getLast();
    assertThat(request.getUpdateMask().getPathsList())
        .containsExactly("quota.requests_per_minute", "quota.adapter_bytes");
    assertThat(request.getTenant().getQuota())
        .isEqualTo(Quota.newBuilder().setAdapterBytes(10_000_000_000L).build());
    Quota.Builder quota = Quota.newBuilder();
    JsonFormat.parser().merge(run("--json", "admin", "quotas", "show", "public").out(), quota);
    assertThat(quota.build())
        .isEqualTo(Quota.newBuilder().setAdapters(7).setAdapterBytes(10_000_000_000L).build());
    assertThat(run("admin", "quotas", "set", "public", "--none").out())
        .contains("adapter bytes        -\n");
    assertThat(server.admin.updates.stream().toList().getLast().getUpdateMask().getPathsList())
        .containsExactly("quota");
  }

  @Test
  void keys_create_writesTheSecretAlone() throws IOException {
    CommandRun.Result result =
        run("admin", "keys", "create", "acme", "--role", "user", "--display-name", "CI");
    assertThat(result.code()).isZero();
    assertThat(result.out()).isEqualTo(SECRET + "\n");
    assertThat(result.err())
        .isEqualTo("key k-1 of tenant acme, role user; its secret is shown only now\n");
    assertThat(run("admin", "keys", "list").out())
        .isEqualTo(
            """
            KEY  TENANT  ROLE  DISPLAY NAME  CREATED               EXPIRES  LAST USE
            k-1  acme    user  CI            2027-01-15 08:00:00Z  never    never
            """);
    assertThat(run("admin", "keys", "list", "other").err()).contains("There are no keys");
    CreateKeyResponse.Builder response = CreateKeyResponse.newBuilder();
    JsonFormat.parser()
        .merge(run("--json", "admin", "keys", "create", "a", "--role", "OWNER").out(), response);
    assertThat(response.getSecret()).isEqualTo(FakeAdmin.secret(2));
    assertThat(response.getKey().getRole()).isEqualTo(Role.ROLE_OWNER);
  }

  @Test
  void keys_createInAFile_isForTheOwnerOnly() throws IOException {
    Path out = folder.resolve("acme.key");
    Files.writeString(out, "old");
    CommandRun.Result result =
        run("admin", "keys", "create", "acme", "--role", "owner", "--out", out.toString());
    assertThat(result.code()).isZero();
    assertThat(Files.readString(out)).isEqualTo(SECRET + "\n");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(out)))
        .isEqualTo("rw-------");
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("its secret is in ").doesNotContain(SECRET);
    CommandRun.Result json =
        run("--json", "admin", "keys", "create", "b", "--role", "owner", "--out", out.toString());
    assertThat(json.out()).contains("\"k-2\"").doesNotContain("s3cret");
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(out);
    }
  }

  @Test
  void keys_createInAPlaceThatCannotBe_makesNoKey() {
    for (Path out : List.of(folder, folder.resolve("missing").resolve("x"))) {
      CommandRun.Result result =
          run("admin", "keys", "create", "acme", "--role", "owner", "--out", out.toString());
      assertThat(result.code()).isEqualTo(1);
    }
    assertThat(server.admin.keys).isEmpty();
  }

  @Test
  void keys_expiry_isFromNowOrATime() {
    Instant before = Instant.now();
    run("admin", "keys", "create", "a", "--role", "user", "--expires", "90d");
    Instant after = Instant.now();
    assertThat(expiry("k-1")).isBetween(before.plus(days(90)), after.plus(days(90)));
    run("admin", "keys", "create", "a", "--role", "user", "--expires", "2031-01-01T00:00:00Z");
    assertThat(expiry("k-2")).isEqualTo(Instant.parse("2031-01-01T00:00:00Z"));
    run("admin", "keys", "create", "a", "--role", "contributor", "--contributor", "ann");
    assertThat(server.admin.keys.get("k-3")).returns("ann", Key::getContributor);
    assertThat(run("admin", "keys", "list").out())
        .contains("contributor ann")
        .contains("2031-01-01 00:00:00Z");
  }

  private static Duration days(int count) {
    return Duration.ofDays(count);
  }

  private Instant expiry(String id) {
    Key key = server.admin.keys.getOrDefault(id, Key.getDefaultInstance());
    return Instant.ofEpochSecond(key.getExpireTime().getSeconds(), key.getExpireTime().getNanos());
  }

  @Test
  void keys_rotate_replacesTheOld() {
    run("admin", "keys", "create", "acme", "--role", "owner", "--display-name", "CI");
    CommandRun.Result result = run("admin", "keys", "rotate", "k-1");
    assertThat(result.code()).isZero();
    assertThat(result.out()).isEqualTo(FakeAdmin.secret(2) + "\n");
    assertThat(result.err()).endsWith("key k-1 is revoked\n");
    assertThat(server.admin.keys).containsOnlyKeys("k-2");
    assertThat(server.admin.keys.get("k-2"))
        .returns("acme", Key::getTenant)
        .returns(Role.ROLE_OWNER, Key::getRole)
        .returns("CI", Key::getDisplayName);
    run("admin", "keys", "rotate", "k-2", "--keep-old");
    assertThat(server.admin.keys).containsOnlyKeys("k-2", "k-3");
    CommandRun.Result missing = run("admin", "keys", "rotate", "k-1");
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err()).contains("there is no key k-1");
    assertThat(run("admin", "keys", "revoke", "k-2").err()).isEqualTo("key k-2 is revoked\n");
    assertThat(run("--json", "admin", "keys", "revoke", "k-3").out()).isEqualTo("{}\n");
    assertThat(server.admin.keys).isEmpty();
  }

  @Test
  void keys_secretThatNobodyGot_isRevoked() {
    run("admin", "keys", "create", "acme", "--role", "owner");
    CommandRun.Result result =
        new CommandRun(server).closedOutput().run("admin", "keys", "rotate", "k-1");
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("the new key k-2 is revoked again").doesNotContain("s3cret");
    assertThat(server.admin.keys).containsOnlyKeys("k-1");
  }

  @Test
  void adminKey_isFoundOrGiven() throws IOException {
    Path data = Files.createDirectories(folder.resolve(".local/share/tributary"));
    Files.writeString(data.resolve("admin.key"), "of-home\n");
    Path xdg = Files.createDirectories(folder.resolve("xdg/tributary"));
    Files.writeString(xdg.resolve("admin.key"), "of-xdg\n");
    Path given = folder.resolve("given");
    Files.writeString(given, "given\n");
    String home = folder.toString();
    new CommandRun(server).with("HOME", home).run("admin", "stats");
    new CommandRun(server)
        .with("HOME", home)
        .with("XDG_DATA_HOME", folder.resolve("xdg").toString())
        .run("admin", "stats");
    new CommandRun(server)
        .with("HOME", home)
        .run("admin", "stats", "--admin-key-file", given.toString());
    // A tenant's key is none, and no other machine gets this machine's key.
    new CommandRun(server).with("TRIBUTARY_API_KEY", "tenant").run("admin", "stats");
    for (String elsewhere : List.of("example.org:50052", "127.0.0.1.example.org:1", "10.0.0.1:1")) {
      new CommandRun(server).with("HOME", home).run("admin", "stats", "--admin", elsewhere);
    }
    new CommandRun(server).with("HOME", home).run("admin", "stats", "--admin", "[::1]:9");
    assertThat(server.authorizations)
        .containsExactly(
            "Bearer of-home",
            "Bearer of-xdg",
            "Bearer given",
            "none",
            "none",
            "none",
            "none",
            "Bearer of-home");
  }

  @Test
  void adminKey_missing_saysWhereItIs() {
    server.failure = FakeServer.status(Status.Code.UNAUTHENTICATED, "no key");
    CommandRun.Result result = run("admin", "stats");
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("--admin-key-file FILE").contains("DATA/admin.key");
  }

  @Test
  void stats_areFacts() {
    assertThat(run("admin", "stats").out())
        .isEqualTo(
            """
            started        2027-01-15 08:00:00Z
            up             1 d 02:03:04
            draining       no
            running        3 requests
            queued         2 requests
            answered       1000 requests
            turned down    0 requests
            prompt         5000 tokens, 400 of them cached
            completion     20000 tokens
            steps          0
            KV cache       17 of 128 pages
            device tier    4 adapters, 17 MB
            host tier      0 adapters, 0 B
            disk tier      0 adapters, 0 B
            adapter loads  0
            memory         987 MB
            """);
    assertThat(run("--json", "admin", "stats").out()).contains("\"kvPagesUsed\":\"17\"");
  }

  @Test
  void drain_untilNothingRuns_holds() {
    assertThat(run("admin", "drain"))
        .isEqualTo(new CommandRun.Result(0, "draining  yes\nrunning   0 requests\n", ""));
    assertThat(run("admin", "drain", "--undo").out()).startsWith("draining  no\n");
    server.admin.running = 2;
    CommandRun.Result result = run("--json", "admin", "drain");
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.out()).contains("\"runningRequests\":2").contains("still in flight");
  }
}
