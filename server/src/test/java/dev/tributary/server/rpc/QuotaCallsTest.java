package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.bearer;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.sayMuch;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.FieldMask;
import com.google.rpc.QuotaFailure;
import dev.tributary.server.state.Role;
import dev.tributary.v1.CountTokensRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.Quota;
import dev.tributary.v1.ScoreRequest;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.UpdateTenantRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Quotas as callers meet them.
@Timeout(60)
class QuotaCallsTest {
  private RpcFixture fixture;
  private String acme;
  private String rival;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = RpcFixture.serving(folder);
    acme = fixture.key("acme", Role.USER);
    rival = fixture.key("rival", Role.USER);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void requestsPerMinute_holdForOneTenantAndChangeWithoutARestart() throws Exception {
    quota(Quota.newBuilder().setRequestsPerMinute(2));
    assertThat(answer(acme, "a")).isEqualTo("a");
    var unused =
        inference(acme)
            .countTokens(CountTokensRequest.newBuilder().setPrompt("counts, too").build());

    QuotaFailure failure = exhausted(acme);
    assertThat(failure.getViolations(0).getSubject()).isEqualTo("tenant:acme");
    assertThat(failure.getViolations(0).getQuotaId()).isEqualTo("requests_per_minute");
    assertThat(answer(rival, "a")).isEqualTo("a");
    quota(Quota.newBuilder().setRequestsPerMinute(3));
    assertThat(answer(acme, "b")).isEqualTo("b");
    quota(Quota.newBuilder());
    assertThat(answer(acme, "c")).isEqualTo("c");
  }

  @Test
  void tokensPerMinute_chargeWhatWasReadAndWritten() throws Exception {
    quota(Quota.newBuilder().setTokensPerMinute(20));
    // The prompt has one token, the answer thirty: eleven overdrawn.
    var unused = inference(acme).generateOnce(sayMuch(30).build());
    assertThat(exhausted(acme).getViolations(0).getQuotaId()).isEqualTo("tokens_per_minute");
    fixture.quotaClock.addAndGet(Duration.ofSeconds(30).toNanos());
    assertThat(exhausted(acme).getViolations(0).getQuotaId()).isEqualTo("tokens_per_minute");
    fixture.quotaClock.addAndGet(Duration.ofSeconds(30).toNanos());
    assertThat(answer(acme, "ab")).isEqualTo("ab");
  }

  @Test
  void tokensPerMinute_countScoredOnesToo() throws Exception {
    quota(Quota.newBuilder().setTokensPerMinute(10));
    ScoreRequest.Builder request = ScoreRequest.newBuilder();
    request.addItemsBuilder().setPrompt("abcde").setCompletion("fghij");
    var unused = inference(acme).score(request.build());
    assertThat(exhausted(acme).getViolations(0).getQuotaId()).isEqualTo("tokens_per_minute");
  }

  @Test
  void aRefusedRequest_givesItsTokensBack() {
    quota(Quota.newBuilder().setTokensPerMinute(20));
    for (int i = 0; i < 10; i++) {
      StatusRuntimeException unused =
          refused(
              Status.Code.NOT_FOUND,
              () -> {
                var request = say("0123456789");
                request.addAdaptersBuilder().setName("nobody");
                var never = inference(acme).generateOnce(request.build());
              });
    }
    assertThat(answer(acme, "ab")).isEqualTo("ab");
  }

  @Test
  void concurrentRequests_waitTheirTurnAndMoreAreRefused() throws Exception {
    quota(Quota.newBuilder().setConcurrentRequests(1).setQueuedRequests(1));
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> first = future(acme, "first");
    hold.awaitStep();
    ListenableFuture<GenerateResponse> second = future(acme, "second");
    until(() -> fixture.access.quotas().waiting() == 1);

    assertThat(exhausted(acme).getViolations(0).getQuotaId()).isEqualTo("queued_requests");
    ListenableFuture<GenerateResponse> other = future(rival, "other");
    until(() -> fixture.server.calls() == 3);
    hold.release();
    assertThat(first.get().getText()).isEqualTo("first");
    assertThat(second.get().getText()).isEqualTo("second");
    assertThat(other.get().getText()).isEqualTo("other");
  }

  @Test
  void aCallThatIsCancelledWhileItWaits_leavesTheQueue() throws Exception {
    quota(Quota.newBuilder().setConcurrentRequests(1));
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> first = future(acme, "first");
    hold.awaitStep();
    ListenableFuture<GenerateResponse> second = future(acme, "second");
    until(() -> fixture.access.quotas().waiting() == 1);
    second.cancel(true);
    until(() -> fixture.access.quotas().waiting() == 0);
    hold.release();
    assertThat(first.get().getText()).isEqualTo("first");
    assertThat(answer(acme, "third")).isEqualTo("third");
  }

  @Test
  void noTenant_canFillTheServersQueueAlone() throws Exception {
    RpcFixture.Hold hold = fixture.holdEngine();
    List<ListenableFuture<GenerateResponse>> mine = new ArrayList<>();
    mine.add(future(acme, "runs"));
    hold.awaitStep();
    // 64 places, of which one tenant gets seven eighths.
    for (int i = 0; i < 70; i++) {
      mine.add(future(acme, "waits " + i));
    }
    until(() -> mine.stream().filter(ListenableFuture::isDone).count() == 70 - 56);
    ListenableFuture<GenerateResponse> other = future(rival, "still gets in");
    hold.release();

    assertThat(other.get().getText()).isEqualTo("still gets in");
    int refused = 0;
    for (ListenableFuture<GenerateResponse> one : mine) {
      try {
        assertThat(one.get().getText()).isNotEmpty();
      } catch (ExecutionException e) {
        refused++;
        StatusRuntimeException end = (StatusRuntimeException) Objects.requireNonNull(e.getCause());
        assertThat(quotaFailure(end).getViolations(0).getQuotaId()).isEqualTo("server_queue");
      }
    }
    assertThat(refused).isEqualTo(14);
  }

  private void quota(Quota.Builder quota) {
    var unused =
        fixture
            .adminService()
            .updateTenant(
                UpdateTenantRequest.newBuilder()
                    .setTenant(Tenant.newBuilder().setName("acme").setQuota(quota))
                    .setUpdateMask(FieldMask.newBuilder().addPaths("quota"))
                    .build());
  }

  private InferenceGrpc.InferenceBlockingStub inference(String key) {
    return fixture.inference().withInterceptors(bearer(key));
  }

  private String answer(String key, String line) {
    return inference(key).generateOnce(say(line).build()).getText();
  }

  private ListenableFuture<GenerateResponse> future(String key, String line) {
    return InferenceGrpc.newFutureStub(fixture.channel)
        .withInterceptors(bearer(key))
        .generateOnce(say(line).build());
  }

  private QuotaFailure exhausted(String key) throws Exception {
    return quotaFailure(refused(Status.Code.RESOURCE_EXHAUSTED, () -> answer(key, "a")));
  }

  private static QuotaFailure quotaFailure(StatusRuntimeException end) throws Exception {
    com.google.rpc.Status full = StatusProto.fromThrowable(end);
    assertThat(full.getDetailsCount()).as("QuotaFailure and RetryInfo").isEqualTo(2);
    assertThat(full.getDetails(1).getTypeUrl()).endsWith("google.rpc.RetryInfo");
    return full.getDetails(0).unpack(QuotaFailure.class);
  }
}
