package dev.tributary.server.rpc;

import com.google.protobuf.Empty;
import dev.tributary.server.metrics.TierFigures;
import dev.tributary.server.state.KeyRecord;
import dev.tributary.server.state.NewKey;
import dev.tributary.server.state.State;
import dev.tributary.server.state.TenantRecord;
import dev.tributary.v1.AdminGrpc;
import dev.tributary.v1.CertifyModelEvent;
import dev.tributary.v1.CertifyModelRequest;
import dev.tributary.v1.CorrectCreditRequest;
import dev.tributary.v1.CorrectCreditResponse;
import dev.tributary.v1.CreateKeyRequest;
import dev.tributary.v1.CreateKeyResponse;
import dev.tributary.v1.CreatePriceRuleRequest;
import dev.tributary.v1.CreateTenantRequest;
import dev.tributary.v1.DeleteTenantRequest;
import dev.tributary.v1.DrainRequest;
import dev.tributary.v1.DrainResponse;
import dev.tributary.v1.EraseGenerationRequest;
import dev.tributary.v1.GetStatsRequest;
import dev.tributary.v1.GetTenantRequest;
import dev.tributary.v1.ListCertificatesRequest;
import dev.tributary.v1.ListCertificatesResponse;
import dev.tributary.v1.ListKeysRequest;
import dev.tributary.v1.ListKeysResponse;
import dev.tributary.v1.ListPriceRulesRequest;
import dev.tributary.v1.ListPriceRulesResponse;
import dev.tributary.v1.ListSettlementLinesRequest;
import dev.tributary.v1.ListSettlementLinesResponse;
import dev.tributary.v1.ListSettlementsRequest;
import dev.tributary.v1.ListSettlementsResponse;
import dev.tributary.v1.ListTenantsRequest;
import dev.tributary.v1.ListTenantsResponse;
import dev.tributary.v1.ModelCertificate;
import dev.tributary.v1.PriceRule;
import dev.tributary.v1.RevokeKeyRequest;
import dev.tributary.v1.SettleRequest;
import dev.tributary.v1.Settlement;
import dev.tributary.v1.Stats;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.UpdateTenantRequest;
import io.grpc.stub.StreamObserver;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// The methods of tributary.v1.Admin. What changes something goes to the audit log with its
/// outcome, also when it was refused; what only looks does not.
final class AdminService extends AdminGrpc.AdminImplBase {
  /// A reader who takes no news for so long loses the call.
  private static final Duration STREAM_IDLE = Duration.ofSeconds(60);

  private final State state;
  private final GrpcServer server;
  private final Supplier<TierFigures> tiers;
  private final Ids ids;
  private final InstantSource time;
  private final LongSupplier clock;
  private final Instant started;
  private final Audited audited;
  private final Decisions decisions;
  private final Certifying certifying;

  /// @param server that it drains and counts
  AdminService(GrpcServer server, Supplier<TierFigures> tiers, Certifier certifier, Ids ids) {
    this.server = server;
    this.tiers = tiers;
    certifying = new Certifying(certifier);
    this.ids = ids;
    state = server.access().state();
    time = server.serving().time();
    clock = server.serving().clock();
    audited = new Audited(state.audit(), ids, time);
    decisions = new Decisions(server.books(), state.tenants(), time);
    started = Instant.ofEpochMilli(ManagementFactory.getRuntimeMXBean().getStartTime());
  }

  @Override
  public void createTenant(CreateTenantRequest request, StreamObserver<Tenant> responses) {
    String name = request.getTenant().getName();
    audited.change(
        responses,
        new Audited.Asked("CreateTenant", () -> name, name),
        call -> createTenant(request.getTenant()));
  }

  private Tenant createTenant(Tenant asked) {
    Tenant tenant = AdminRequests.newTenant(asked);
    return AdminAnswers.tenant(
        state
            .tenants()
            .create(
                tenant.getName(),
                tenant.getDisplayName(),
                AdminRequests.quota(tenant.getQuota()),
                AdminRequests.retention(tenant)));
  }

  @Override
  public void getTenant(GetTenantRequest request, StreamObserver<Tenant> responses) {
    Call.serve(
        responses,
        ids.next(),
        call -> call.answer(AdminAnswers.tenant(tenant(request.getName(), "name"))));
  }

  @Override
  public void listTenants(
      ListTenantsRequest request, StreamObserver<ListTenantsResponse> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(listTenants(request)));
  }

  private ListTenantsResponse listTenants(ListTenantsRequest request) {
    int size = AdapterRequests.pageSize(request.getPageSize());
    PageToken page = PageToken.read(request.getPageToken(), "tenants");
    List<TenantRecord> found = state.tenants().list(page.last(), size + 1);
    ListTenantsResponse.Builder response = ListTenantsResponse.newBuilder();
    found.stream().limit(size).map(AdminAnswers::tenant).forEach(response::addTenants);
    if (found.size() > size) {
      response.setNextPageToken(new PageToken("tenants", found.get(size - 1).name()).text());
    }
    return response.build();
  }

  @Override
  public void updateTenant(UpdateTenantRequest request, StreamObserver<Tenant> responses) {
    String name = request.getTenant().getName();
    audited.change(
        responses,
        new Audited.Asked("UpdateTenant", () -> name, name),
        call -> updateTenant(request));
  }

  private Tenant updateTenant(UpdateTenantRequest request) {
    Tenant asked = request.getTenant();
    AdminRequests.checkTenant(asked.getName(), "tenant.name");
    AdminRequests.checkMask(request.getUpdateMask());
    TenantRecord changed =
        state
            .tenants()
            .update(
                asked.getName(),
                AdapterRequests.etag(asked.getEtag()),
                stored -> {
                  Tenant merged =
                      AdminRequests.updated(
                          AdminAnswers.tenant(stored), asked, request.getUpdateMask());
                  return stored
                      .withDisplayName(merged.getDisplayName())
                      .withQuota(AdminRequests.quota(merged.getQuota()))
                      .withRetention(AdminRequests.retention(merged));
                });
    server.access().quotas().changed(asked.getName());
    return AdminAnswers.tenant(changed);
  }

  @Override
  public void deleteTenant(DeleteTenantRequest request, StreamObserver<Empty> responses) {
    audited.change(
        responses,
        new Audited.Asked("DeleteTenant", request::getName, request.getName()),
        call -> {
          AdminRequests.checkTenant(request.getName(), "name");
          state.tenants().delete(request.getName(), AdapterRequests.etag(request.getEtag()));
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void createKey(CreateKeyRequest request, StreamObserver<CreateKeyResponse> responses) {
    audited.change(
        responses,
        new Audited.Asked("CreateKey", request.getKey()::getTenant, ""),
        response -> response.getKey().getKeyId() + " " + response.getKey().getRole(),
        call -> createKey(request));
  }

  private CreateKeyResponse createKey(CreateKeyRequest request) {
    NewKey made = state.keys().create(AdminRequests.newKey(request.getKey(), time.instant()));
    return CreateKeyResponse.newBuilder()
        .setKey(AdminAnswers.key(made.key()))
        .setSecret(made.secret())
        .build();
  }

  @Override
  public void listKeys(ListKeysRequest request, StreamObserver<ListKeysResponse> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(listKeys(request)));
  }

  private ListKeysResponse listKeys(ListKeysRequest request) {
    String tenant = request.getTenant();
    if (!tenant.isEmpty()) {
      TenantRecord unused = tenant(tenant, "tenant");
    }
    int size = AdapterRequests.pageSize(request.getPageSize());
    String list = "keys " + tenant;
    PageToken page = PageToken.read(request.getPageToken(), list);
    List<KeyRecord> found =
        state.keys().list(tenant.isEmpty() ? null : tenant, page.last(), size + 1);
    ListKeysResponse.Builder response = ListKeysResponse.newBuilder();
    found.stream().limit(size).map(AdminAnswers::key).forEach(response::addKeys);
    if (found.size() > size) {
      response.setNextPageToken(new PageToken(list, found.get(size - 1).id()).text());
    }
    return response.build();
  }

  @Override
  public void revokeKey(RevokeKeyRequest request, StreamObserver<Empty> responses) {
    String id = request.getKeyId();
    audited.change(
        responses,
        new Audited.Asked(
            "RevokeKey", () -> state.keys().get(id).map(KeyRecord::tenant).orElse(""), id),
        call -> {
          state.keys().revoke(id);
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void createPriceRule(CreatePriceRuleRequest request, StreamObserver<PriceRule> responses) {
    audited.change(
        responses,
        new Audited.Asked("CreatePriceRule", request.getPriceRule()::getTenant, ""),
        response -> "leaf " + response.getLeafIndex(),
        call -> decisions.price(request));
  }

  @Override
  public void listPriceRules(
      ListPriceRulesRequest request, StreamObserver<ListPriceRulesResponse> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(decisions.prices(request)));
  }

  @Override
  public void settle(SettleRequest request, StreamObserver<Settlement> responses) {
    audited.change(
        responses,
        new Audited.Asked("Settle", () -> "", ""),
        response -> "leaf " + response.getLeafIndex(),
        call -> decisions.settle(request));
  }

  @Override
  public void listSettlements(
      ListSettlementsRequest request, StreamObserver<ListSettlementsResponse> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(decisions.settlements(request)));
  }

  @Override
  public void listSettlementLines(
      ListSettlementLinesRequest request, StreamObserver<ListSettlementLinesResponse> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(decisions.lines(request)));
  }

  @Override
  public void correctCredit(
      CorrectCreditRequest request, StreamObserver<CorrectCreditResponse> responses) {
    audited.change(
        responses,
        new Audited.Asked("CorrectCredit", request::getTenant, request.getGenerationId()),
        call -> decisions.correct(request));
  }

  @Override
  public void eraseGeneration(EraseGenerationRequest request, StreamObserver<Empty> responses) {
    audited.change(
        responses,
        new Audited.Asked("EraseGeneration", request::getTenant, request.getGenerationId()),
        call -> decisions.erase(request));
  }

  @Override
  public void getStats(GetStatsRequest request, StreamObserver<Stats> responses) {
    Call.serve(
        responses,
        ids.next(),
        call -> call.answer(AdminAnswers.stats(server, tiers.get(), started, time.instant())));
  }

  @Override
  public void certifyModel(
      CertifyModelRequest request, StreamObserver<CertifyModelEvent> responses) {
    audited.stream(
        responses,
        new Audited.Asked("CertifyModel", () -> "", request.getSource()),
        call -> {
          PacedStream<CertifyModelEvent> events = call.paced(server.delay(), STREAM_IDLE);
          ModelCertificate found = certifying.certify(request.getSource(), call, events);
          events.send(CertifyModelEvent.newBuilder().setCertificate(found).build());
        });
  }

  @Override
  public void listCertificates(
      ListCertificatesRequest request, StreamObserver<ListCertificatesResponse> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(certifying.list()));
  }

  @Override
  public void drain(DrainRequest request, StreamObserver<DrainResponse> responses) {
    String subject = request.getUndo() ? "undo" : "";
    audited.change(
        responses, new Audited.Asked("Drain", () -> "", subject), call -> drain(request, call));
  }

  private DrainResponse drain(DrainRequest request, Call<?> call) {
    if (request.getUndo()) {
      server.resume();
    } else {
      server.pause();
      awaitIdle(call);
    }
    return DrainResponse.newBuilder()
        .setDraining(server.admission().isDraining())
        .setRunningRequests(server.admission().inFlight())
        .build();
  }

  /// Waits until nothing is in flight, or nine tenths of the call's time have passed: the rest is
  /// for the answer's way.
  private void awaitIdle(Call<?> call) {
    CompletableFuture<Void> idle = server.admission().idle();
    long now = clock.getAsLong();
    OptionalLong deadline = call.deadline(now);
    if (deadline.isEmpty()) {
      call.await(idle);
      return;
    }
    Duration left = Duration.ofNanos(Math.max(0, (deadline.getAsLong() - now) / 10 * 9));
    Delay.Handle giveUp = server.delay().after(left, () -> idle.complete(null));
    try {
      call.await(idle);
    } finally {
      giveUp.cancel();
    }
  }

  private TenantRecord tenant(String name, String field) {
    AdminRequests.checkTenant(name, field);
    return state.tenants().get(name).orElseThrow(() -> Statuses.notFound("tenant", name));
  }
}
