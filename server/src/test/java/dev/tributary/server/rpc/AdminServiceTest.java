package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.bearer;
import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.FieldMask;
import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.ResourceInfo;
import dev.tributary.server.state.AuditEntry;
import dev.tributary.v1.AdminGrpc;
import dev.tributary.v1.CreateKeyRequest;
import dev.tributary.v1.CreateKeyResponse;
import dev.tributary.v1.CreateTenantRequest;
import dev.tributary.v1.DeleteTenantRequest;
import dev.tributary.v1.DrainRequest;
import dev.tributary.v1.DrainResponse;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.GetStatsRequest;
import dev.tributary.v1.GetTenantRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.Key;
import dev.tributary.v1.ListKeysRequest;
import dev.tributary.v1.ListKeysResponse;
import dev.tributary.v1.ListTenantsRequest;
import dev.tributary.v1.ListTenantsResponse;
import dev.tributary.v1.Quota;
import dev.tributary.v1.RevokeKeyRequest;
import dev.tributary.v1.Role;
import dev.tributary.v1.Stats;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.UpdateTenantRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.channelz.v1.ChannelzGrpc;
import io.grpc.channelz.v1.GetServersRequest;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AdminServiceTest {
  private RpcFixture fixture;
  private AdminGrpc.AdminBlockingStub admin;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = RpcFixture.serving(folder);
    admin = fixture.adminService();
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void withoutTheAdminKey_nothingButHealthAnswers() {
    AdminGrpc.AdminBlockingStub bare = AdminGrpc.newBlockingStub(fixture.adminChannel);
    StatusRuntimeException end =
        refused(
            Status.Code.UNAUTHENTICATED, () -> bare.getStats(GetStatsRequest.getDefaultInstance()));
    assertThat(detail(end, ErrorInfo.class).getReason()).isEqualTo("KEY_MISSING");
    end =
        refused(
            Status.Code.UNAUTHENTICATED,
            () ->
                bare.withInterceptors(bearer("trib_admin_" + "a".repeat(43)))
                    .getStats(GetStatsRequest.getDefaultInstance()));
    assertThat(detail(end, ErrorInfo.class).getReason()).isEqualTo("KEY_INVALID");
    end =
        refused(
            Status.Code.UNAUTHENTICATED,
            () ->
                ChannelzGrpc.newBlockingStub(fixture.adminChannel)
                    .getServers(GetServersRequest.getDefaultInstance()));
    assertThat(
            HealthGrpc.newBlockingStub(fixture.adminChannel)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
    assertThat(fixture.state.audit().list(Long.MAX_VALUE, 10)).isEmpty();
  }

  @Test
  void channelz_answersTheAdminKey() {
    assertThat(
            ChannelzGrpc.newBlockingStub(fixture.adminChannel)
                .withInterceptors(bearer(fixture.adminSecret()))
                .getServers(GetServersRequest.getDefaultInstance())
                .getServerCount())
        .isPositive();
  }

  @Test
  void theAdminKey_opensTheAdminPortOnly() {
    var unused =
        refused(
            Status.Code.UNAUTHENTICATED,
            () ->
                fixture
                    .inference()
                    .withInterceptors(bearer(fixture.adminSecret()))
                    .generateOnce(say("a").build()));
  }

  @Test
  void aKeyOfRoleAdmin_opensItAndAnyOtherIsDeniedAndAudited() {
    create("acme");
    CreateKeyResponse operator = key("acme", Role.ROLE_ADMIN);
    CreateKeyResponse owner = key("acme", Role.ROLE_OWNER);
    AdminGrpc.AdminBlockingStub bare = AdminGrpc.newBlockingStub(fixture.adminChannel);
    assertThat(
            bare.withInterceptors(bearer(operator.getSecret()))
                .getTenant(GetTenantRequest.newBuilder().setName("acme").build())
                .getName())
        .isEqualTo("acme");

    StatusRuntimeException end =
        refused(
            Status.Code.PERMISSION_DENIED,
            () ->
                bare.withInterceptors(bearer(owner.getSecret()))
                    .getTenant(GetTenantRequest.newBuilder().setName("acme").build()));
    assertThat(detail(end, ErrorInfo.class).getReason()).isEqualTo("ROLE_LACKS_METHOD");
    assertThat(lastAudit().actor()).isEqualTo(owner.getKey().getKeyId());
    assertThat(lastAudit().outcome()).isEqualTo("PERMISSION_DENIED");
    assertThat(lastAudit().action()).isEqualTo("tributary.v1.Admin/GetTenant");
  }

  @Test
  void tenants_areMadeReadListedChangedAndDeleted() {
    Tenant made =
        admin.createTenant(
            CreateTenantRequest.newBuilder()
                .setTenant(
                    Tenant.newBuilder()
                        .setName("acme")
                        .setDisplayName("Acme")
                        .setQuota(Quota.newBuilder().setAdapters(3).setWeight(200)))
                .build());
    assertThat(made.getEtag()).isNotEmpty();
    assertThat(made.getCreateTime().getSeconds()).isPositive();
    assertThat(admin.getTenant(GetTenantRequest.newBuilder().setName("acme").build()))
        .isEqualTo(made);

    Tenant changed =
        admin.updateTenant(
            UpdateTenantRequest.newBuilder()
                .setTenant(
                    Tenant.newBuilder()
                        .setName("acme")
                        .setEtag(made.getEtag())
                        .setDisplayName("ignored, for it is not in the mask")
                        .setQuota(Quota.newBuilder().setRequestsPerMinute(0)))
                .setUpdateMask(
                    FieldMask.newBuilder()
                        .addPaths("quota.requests_per_minute")
                        .addPaths("quota.weight"))
                .build());
    assertThat(changed.getDisplayName()).isEqualTo("Acme");
    assertThat(changed.getQuota())
        .isEqualTo(Quota.newBuilder().setAdapters(3).setRequestsPerMinute(0).build());
    assertThat(changed.getEtag()).isNotEqualTo(made.getEtag());

    StatusRuntimeException stale =
        refused(
            Status.Code.ABORTED,
            () ->
                admin.deleteTenant(
                    DeleteTenantRequest.newBuilder()
                        .setName("acme")
                        .setEtag(made.getEtag())
                        .build()));
    assertThat(detail(stale, ErrorInfo.class).getReason()).isEqualTo("ETAG_MISMATCH");
    var unused = admin.deleteTenant(DeleteTenantRequest.newBuilder().setName("acme").build());
    StatusRuntimeException gone =
        refused(
            Status.Code.NOT_FOUND,
            () -> admin.getTenant(GetTenantRequest.newBuilder().setName("acme").build()));
    assertThat(detail(gone, ResourceInfo.class).getResourceType()).isEqualTo("tenant");
    assertThat(audit())
        .containsExactly(
            "admin.key CreateTenant acme acme OK",
            "admin.key UpdateTenant acme acme OK",
            "admin.key DeleteTenant acme acme ABORTED",
            "admin.key DeleteTenant acme acme OK");
  }

  @Test
  void tenants_thatCannotBe_areRefusedByField() {
    create("acme");
    StatusRuntimeException end = refused(Status.Code.ALREADY_EXISTS, () -> create("acme"));
    assertThat(detail(end, ResourceInfo.class).getResourceName()).isEqualTo("acme");
    for (String name : List.of("", "Acme", "1st", "a".repeat(64), "a/b", "a b")) {
      assertInvalid("tenant.name", Tenant.newBuilder().setName(name));
    }
    assertInvalid(
        "tenant.display_name", Tenant.newBuilder().setName("b").setDisplayName("x".repeat(201)));
    assertInvalid("tenant.etag", Tenant.newBuilder().setName("b").setEtag("x"));
    assertInvalid(
        "tenant.create_time",
        Tenant.newBuilder().setName("b").setCreateTime(Timestamp.getDefaultInstance()));
    assertInvalid(
        "tenant.quota.weight",
        Tenant.newBuilder().setName("b").setQuota(Quota.newBuilder().setWeight(0)));
    assertInvalid(
        "tenant.quota.adapter_bytes",
        Tenant.newBuilder().setName("b").setQuota(Quota.newBuilder().setAdapterBytes(-1)));
    assertThat(lastAudit().outcome()).isEqualTo("INVALID_ARGUMENT");
  }

  @Test
  void updateTenant_refusesMasksThatNameNothingOrSomethingElse() {
    for (String path : List.of("", "name", "quota.", "quota.speed", "etag", "quota.weight.x")) {
      StatusRuntimeException end =
          refused(
              Status.Code.INVALID_ARGUMENT,
              () ->
                  admin.updateTenant(
                      UpdateTenantRequest.newBuilder()
                          .setTenant(Tenant.newBuilder().setName("public"))
                          .setUpdateMask(
                              path.isEmpty()
                                  ? FieldMask.getDefaultInstance()
                                  : FieldMask.newBuilder().addPaths(path).build())
                          .build()));
      assertThat(detail(end, BadRequest.class).getFieldViolations(0).getField())
          .isEqualTo("update_mask");
    }
  }

  @Test
  void aTenantInUse_isNotDeleted() {
    create("acme");
    CreateKeyResponse key = key("acme", Role.ROLE_USER);
    StatusRuntimeException end =
        refused(
            Status.Code.FAILED_PRECONDITION,
            () -> admin.deleteTenant(DeleteTenantRequest.newBuilder().setName("acme").build()));
    assertThat(detail(end, PreconditionFailure.class).getViolations(0).getType())
        .isEqualTo("IN_USE");
    var unused =
        admin.revokeKey(RevokeKeyRequest.newBuilder().setKeyId(key.getKey().getKeyId()).build());
    unused = admin.deleteTenant(DeleteTenantRequest.newBuilder().setName("acme").build());
    var publicToo =
        refused(
            Status.Code.FAILED_PRECONDITION,
            () -> admin.deleteTenant(DeleteTenantRequest.newBuilder().setName("public").build()));
    assertThat(publicToo).isNotNull();
  }

  @Test
  void keys_openTheServingPortUntilTheyAreRevoked() {
    create("acme");
    CreateKeyResponse made = key("acme", Role.ROLE_USER);
    assertThat(made.getSecret()).contains(made.getKey().getKeyId());
    assertThat(answer(made.getSecret(), "a")).isEqualTo("a");
    Key listed = admin.listKeys(ListKeysRequest.newBuilder().setTenant("acme").build()).getKeys(0);
    assertThat(listed.getKeyId()).isEqualTo(made.getKey().getKeyId());
    assertThat(listed.hasLastUseTime()).isTrue();
    assertThat(listed.getLastUseTime().getSeconds() % 3600).as("to the hour").isZero();

    RevokeKeyRequest revoke =
        RevokeKeyRequest.newBuilder().setKeyId(made.getKey().getKeyId()).build();
    var unused = admin.revokeKey(revoke);
    var end = refused(Status.Code.UNAUTHENTICATED, () -> answer(made.getSecret(), "a"));
    end = refused(Status.Code.NOT_FOUND, () -> admin.revokeKey(revoke));
    assertThat(detail(end, ResourceInfo.class).getResourceType()).isEqualTo("key");
    String id = made.getKey().getKeyId();
    assertThat(audit())
        .containsExactly(
            "admin.key CreateTenant acme acme OK",
            "admin.key CreateKey acme " + id + " ROLE_USER OK",
            "admin.key RevokeKey acme " + id + " OK",
            "admin.key RevokeKey  " + id + " NOT_FOUND");
    assertThat(fixture.state.audit().list(Long.MAX_VALUE, 10).toString())
        .as("no secret is logged")
        .doesNotContain(made.getSecret());
  }

  @Test
  void keys_thatCannotBe_areRefusedByField() {
    Key.Builder user = Key.newBuilder().setTenant("public").setRole(Role.ROLE_USER);
    assertInvalid("key.role", Key.newBuilder().setTenant("public"));
    assertInvalid("key.tenant", Key.newBuilder().setRole(Role.ROLE_USER));
    assertInvalid("key.contributor", user.clone().setContributor("me"));
    assertInvalid("key.contributor", user.clone().setRole(Role.ROLE_CONTRIBUTOR));
    assertInvalid("key.key_id", user.clone().setKeyId("x"));
    assertInvalid(
        "key.expire_time", user.clone().setExpireTime(Timestamp.newBuilder().setSeconds(1)));
    assertInvalid(
        "key.expire_time",
        user.clone().setExpireTime(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE)));
    assertInvalid("key.display_name", user.clone().setDisplayName("x".repeat(201)));
    StatusRuntimeException end =
        refused(Status.Code.NOT_FOUND, () -> key("nobody", Role.ROLE_USER));
    assertThat(detail(end, ResourceInfo.class).getResourceName()).isEqualTo("nobody");
  }

  @Test
  void lists_comeInPages() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      create("tenant-" + i);
    }
    for (int i = 0; i < 5; i++) {
      CreateKeyResponse unused = key("tenant-1", Role.ROLE_USER);
    }
    ListTenantsResponse page =
        admin.listTenants(ListTenantsRequest.newBuilder().setPageSize(4).build());
    page.getTenantsList().forEach(tenant -> names.add(tenant.getName()));
    assertThat(names).hasSize(4);
    ListTenantsResponse rest =
        admin.listTenants(
            ListTenantsRequest.newBuilder()
                .setPageSize(4)
                .setPageToken(page.getNextPageToken())
                .build());
    rest.getTenantsList().forEach(tenant -> names.add(tenant.getName()));
    assertThat(names)
        .containsExactly("public", "tenant-0", "tenant-1", "tenant-2", "tenant-3", "tenant-4");
    assertThat(rest.getNextPageToken()).isEmpty();

    ListKeysResponse keys =
        admin.listKeys(ListKeysRequest.newBuilder().setTenant("tenant-1").setPageSize(3).build());
    assertThat(keys.getKeysCount()).isEqualTo(3);
    var unused =
        refused(
            Status.Code.INVALID_ARGUMENT,
            () ->
                admin.listKeys(
                    ListKeysRequest.newBuilder().setPageToken(keys.getNextPageToken()).build()));
    unused =
        refused(
            Status.Code.NOT_FOUND,
            () -> admin.listKeys(ListKeysRequest.newBuilder().setTenant("nobody").build()));
    unused =
        refused(
            Status.Code.INVALID_ARGUMENT,
            () -> admin.listTenants(ListTenantsRequest.newBuilder().setPageSize(1_001).build()));
  }

  @Test
  void getStats_countsWhatWasServed() {
    for (int i = 0; i < 3; i++) {
      var unused = fixture.inference().generateOnce(say("abc").build());
    }
    // The line and what ends it; some counts come when the caller has the answer already.
    until(() -> fixture.server.calls() == 0 && fixture.engine.stats().running() == 0);
    Stats stats = admin.getStats(GetStatsRequest.getDefaultInstance());
    assertThat(stats.getGenerations()).isEqualTo(3);
    assertThat(stats.getPromptTokens()).isEqualTo(12);
    assertThat(stats.getCompletionTokens()).isEqualTo(12);
    assertThat(stats.getSteps()).isPositive();
    assertThat(stats.getDraining()).isFalse();
    assertThat(stats.getKvPages()).isEqualTo(RpcFixture.PAGES);
    assertThat(stats.getKvPagesUsed()).isZero();
    assertThat(stats.getDeviceAdapters()).isEqualTo(1);
    assertThat(stats.getAdapterLoads()).isEqualTo(7);
    assertThat(stats.hasStartTime()).isTrue();
    assertThat(stats.getRejectedRequests()).isZero();
  }

  @Test
  void drain_letsWhatRunsEndAndCanBeUndone() throws Exception {
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> running =
        InferenceGrpc.newFutureStub(fixture.channel).generateOnce(say("runs on").build());
    hold.awaitStep();
    ListenableFuture<DrainResponse> drain =
        AdminGrpc.newFutureStub(fixture.adminChannel)
            .withInterceptors(bearer(fixture.adminSecret()))
            .drain(DrainRequest.getDefaultInstance());
    until(() -> fixture.server.admission().isDraining());
    var refused =
        refused(
            Status.Code.UNAVAILABLE, () -> fixture.inference().generateOnce(say("late").build()));
    assertThat(refused.getStatus().getDescription())
        .isEqualTo("the server takes no more calls for now");
    assertThat(health()).isEqualTo(ServingStatus.NOT_SERVING);
    assertThat(drain.isDone()).isFalse();
    hold.release();

    assertThat(running.get().getText()).isEqualTo("runs on");
    assertThat(drain.get())
        .isEqualTo(DrainResponse.newBuilder().setDraining(true).setRunningRequests(0).build());
    assertThat(admin.getStats(GetStatsRequest.getDefaultInstance()).getDraining()).isTrue();
    assertThat(admin.drain(DrainRequest.newBuilder().setUndo(true).build()).getDraining())
        .isFalse();
    assertThat(health()).isEqualTo(ServingStatus.SERVING);
    assertThat(fixture.inference().generateOnce(say("again").build()).getText()).isEqualTo("again");
    assertThat(audit()).containsExactly("admin.key Drain   OK", "admin.key Drain  undo OK");
  }

  @Test
  void drain_answersBeforeItsDeadlineWithWhatStillRuns() throws Exception {
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> running =
        InferenceGrpc.newFutureStub(fixture.channel).generateOnce(say("slow").build());
    hold.awaitStep();
    ListenableFuture<DrainResponse> drain =
        AdminGrpc.newFutureStub(fixture.adminChannel)
            .withInterceptors(bearer(fixture.adminSecret()))
            .withDeadlineAfter(50, TimeUnit.SECONDS)
            .drain(DrainRequest.getDefaultInstance());
    until(() -> fixture.delay.waiting() > 0);
    fixture.delay.elapse();
    assertThat(drain.get())
        .isEqualTo(DrainResponse.newBuilder().setDraining(true).setRunningRequests(1).build());
    hold.release();
    assertThat(running.get().getText()).isEqualTo("slow");
  }

  private ServingStatus health() {
    return HealthGrpc.newBlockingStub(fixture.channel)
        .check(HealthCheckRequest.newBuilder().setService("tributary.v1.Inference").build())
        .getStatus();
  }

  private void create(String tenant) {
    var unused =
        admin.createTenant(
            CreateTenantRequest.newBuilder()
                .setTenant(Tenant.newBuilder().setName(tenant))
                .build());
  }

  private CreateKeyResponse key(String tenant, Role role) {
    return admin.createKey(
        CreateKeyRequest.newBuilder()
            .setKey(Key.newBuilder().setTenant(tenant).setRole(role))
            .build());
  }

  private String answer(String key, String line) {
    return fixture
        .inference()
        .withInterceptors(bearer(key))
        .generateOnce(say(line).build())
        .getText();
  }

  private void assertInvalid(String field, Tenant.Builder tenant) {
    assertField(
        field,
        refused(
            Status.Code.INVALID_ARGUMENT,
            () -> admin.createTenant(CreateTenantRequest.newBuilder().setTenant(tenant).build())));
  }

  private void assertInvalid(String field, Key.Builder key) {
    assertField(
        field,
        refused(
            Status.Code.INVALID_ARGUMENT,
            () -> admin.createKey(CreateKeyRequest.newBuilder().setKey(key).build())));
  }

  private static void assertField(String field, StatusRuntimeException end) {
    assertThat(detail(end, BadRequest.class).getFieldViolations(0).getField()).isEqualTo(field);
  }

  private AuditEntry lastAudit() {
    return fixture.state.audit().list(Long.MAX_VALUE, 1).getFirst();
  }

  /// Oldest first: who, what, of whom, to what, how it ended.
  private List<String> audit() {
    return fixture.state.audit().list(Long.MAX_VALUE, 100).reversed().stream()
        .map(
            line ->
                String.join(
                    " ",
                    line.actor(),
                    line.action(),
                    line.tenant(),
                    line.subject(),
                    line.outcome()))
        .toList();
  }
}
