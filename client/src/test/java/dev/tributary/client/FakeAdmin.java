package dev.tributary.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.Empty;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import dev.tributary.v1.AdminGrpc;
import dev.tributary.v1.CertifyModelEvent;
import dev.tributary.v1.CertifyModelProgress;
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
import dev.tributary.v1.Key;
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
import dev.tributary.v1.Quota;
import dev.tributary.v1.RevokeKeyRequest;
import dev.tributary.v1.SettleRequest;
import dev.tributary.v1.Settlement;
import dev.tributary.v1.SettlementLine;
import dev.tributary.v1.Stats;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.TimeRange;
import dev.tributary.v1.UpdateTenantRequest;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// Tenants and keys in memory.
public final class FakeAdmin extends AdminGrpc.AdminImplBase {
  private static final Timestamp TIME = Timestamp.newBuilder().setSeconds(1_800_000_000).build();

  /// What was asked, in order.
  public final Queue<UpdateTenantRequest> updates = new ConcurrentLinkedQueue<>();

  /// What was measured; a source called `missing` is refused.
  public final Queue<ModelCertificate> certificates = new ConcurrentLinkedQueue<>();

  /// Keys that are good, by id.
  public final Map<String, Key> keys = new LinkedHashMap<>();

  /// What the operator decided, in order.
  public final Queue<Message> decisions = new ConcurrentLinkedQueue<>();

  /// Still in flight when a drain ends.
  public volatile int running;

  private final FakeServer server;
  private final Map<String, Tenant> tenants = new LinkedHashMap<>();
  private int made;

  FakeAdmin(FakeServer server) {
    this.server = server;
    tenants.put("public", Tenant.newBuilder().setName("public").setCreateTime(TIME).build());
  }

  /// The secret of the key that was made as the `n`th, from 1.
  public static String secret(int n) {
    return "s3cret-" + n;
  }

  @Override
  public void createTenant(CreateTenantRequest request, StreamObserver<Tenant> observer) {
    Tenant tenant = request.getTenant().toBuilder().setCreateTime(TIME).build();
    tenants.put(tenant.getName(), tenant);
    server.answer(observer, tenant);
  }

  @Override
  public void getTenant(GetTenantRequest request, StreamObserver<Tenant> observer) {
    Tenant tenant = tenants.get(request.getName());
    if (tenant == null) {
      observer.onError(missing(request.getName()));
    } else {
      server.answer(observer, tenant);
    }
  }

  /// Pages of one.
  @Override
  public void listTenants(
      ListTenantsRequest request, StreamObserver<ListTenantsResponse> observer) {
    List<Tenant> all = new ArrayList<>(tenants.values());
    int page = request.getPageToken().isEmpty() ? 0 : Integer.parseInt(request.getPageToken());
    server.answer(
        observer,
        ListTenantsResponse.newBuilder()
            .addTenants(all.get(page))
            .setNextPageToken(page + 1 < all.size() ? Integer.toString(page + 1) : "")
            .build());
  }

  @Override
  public void updateTenant(UpdateTenantRequest request, StreamObserver<Tenant> observer) {
    updates.add(request);
    Tenant old = tenants.get(request.getTenant().getName());
    if (old == null) {
      observer.onError(missing(request.getTenant().getName()));
      return;
    }
    Tenant.Builder tenant = old.toBuilder();
    Quota wanted = request.getTenant().getQuota();
    for (String path : request.getUpdateMask().getPathsList()) {
      if (path.equals("display_name")) {
        tenant.setDisplayName(request.getTenant().getDisplayName());
      } else if (path.equals("retention")) {
        tenant.clearRetention();
        if (request.getTenant().hasRetention()) {
          tenant.setRetention(request.getTenant().getRetention());
        }
      } else if (path.equals("quota")) {
        tenant.setQuota(wanted);
      } else {
        String name = path.substring("quota.".length());
        FieldDescriptor field = Objects.requireNonNull(Quota.getDescriptor().findFieldByName(name));
        if (wanted.hasField(field)) {
          tenant.getQuotaBuilder().setField(field, wanted.getField(field));
        } else {
          tenant.getQuotaBuilder().clearField(field);
        }
      }
    }
    tenants.put(old.getName(), tenant.build());
    server.answer(observer, tenant.build());
  }

  @Override
  public void deleteTenant(DeleteTenantRequest request, StreamObserver<Empty> observer) {
    if (tenants.remove(request.getName()) == null) {
      observer.onError(missing(request.getName()));
    } else {
      server.answer(observer, Empty.getDefaultInstance());
    }
  }

  @Override
  public void createKey(CreateKeyRequest request, StreamObserver<CreateKeyResponse> observer) {
    made++;
    Key key = request.getKey().toBuilder().setKeyId("k-" + made).setCreateTime(TIME).build();
    keys.put(key.getKeyId(), key);
    server.answer(
        observer, CreateKeyResponse.newBuilder().setKey(key).setSecret(secret(made)).build());
  }

  @Override
  public void listKeys(ListKeysRequest request, StreamObserver<ListKeysResponse> observer) {
    ListKeysResponse.Builder response = ListKeysResponse.newBuilder();
    keys.values().stream()
        .filter(k -> request.getTenant().isEmpty() || k.getTenant().equals(request.getTenant()))
        .forEach(response::addKeys);
    server.answer(observer, response.build());
  }

  @Override
  public void revokeKey(RevokeKeyRequest request, StreamObserver<Empty> observer) {
    if (keys.remove(request.getKeyId()) == null) {
      observer.onError(missing(request.getKeyId()));
    } else {
      server.answer(observer, Empty.getDefaultInstance());
    }
  }

  private static PriceRule rule(long leaf) {
    return PriceRule.newBuilder()
        .setLeafIndex(leaf)
        .setStartTime(TIME)
        .setCurrency("EUR")
        .setPromptMicros(250_000)
        .setCompletionMicros(1_500_000)
        .setContributorsPpm(700_000)
        .build();
  }

  @Override
  public void createPriceRule(CreatePriceRuleRequest request, StreamObserver<PriceRule> observer) {
    decisions.add(request);
    PriceRule.Builder made = request.getPriceRule().toBuilder().setLeafIndex(7);
    if (!made.hasStartTime()) {
      made.setStartTime(TIME);
    }
    server.answer(observer, made.build());
  }

  /// Pages of one.
  @Override
  public void listPriceRules(
      ListPriceRulesRequest request, StreamObserver<ListPriceRulesResponse> observer) {
    boolean first = request.getPageToken().isEmpty();
    server.answer(
        observer,
        first
            ? ListPriceRulesResponse.newBuilder()
                .addPriceRules(rule(3))
                .setNextPageToken("more")
                .build()
            : ListPriceRulesResponse.newBuilder()
                .addPriceRules(
                    rule(5).toBuilder().setTenant("acme").setPromptMicros(0).setNote("an offer"))
                .build());
  }

  private static Settlement settlement(long leaf) {
    return Settlement.newBuilder()
        .setLeafIndex(leaf)
        .setPeriod(
            TimeRange.newBuilder()
                .setStart(Timestamp.newBuilder().setSeconds(TIME.getSeconds() - 86_400))
                .setEnd(TIME))
        .setCurrency("EUR")
        .setFeeMicros(1_000_000)
        .setCreditedMicros(400_000)
        .setUnattributedMicros(300_001)
        .setOperatorMicros(299_999)
        .build();
  }

  @Override
  public void settle(SettleRequest request, StreamObserver<Settlement> observer) {
    decisions.add(request);
    server.answer(observer, settlement(9));
  }

  @Override
  public void listSettlements(
      ListSettlementsRequest request, StreamObserver<ListSettlementsResponse> observer) {
    boolean first = request.getPageToken().isEmpty();
    server.answer(
        observer,
        ListSettlementsResponse.newBuilder()
            .addSettlements(settlement(first ? 9 : 4))
            .setNextPageToken(first ? "more" : "")
            .build());
  }

  @Override
  public void listSettlementLines(
      ListSettlementLinesRequest request, StreamObserver<ListSettlementLinesResponse> observer) {
    if (request.getLeafIndex() != 9) {
      observer.onError(missing(Long.toString(request.getLeafIndex())));
      return;
    }
    server.answer(
        observer,
        ListSettlementLinesResponse.newBuilder()
            .addLines(
                SettlementLine.newBuilder()
                    .setTenant("acme")
                    .setContributor("ann")
                    .setDigest("sha256:" + "ab".repeat(32))
                    .setGenerations(3)
                    .setPpm(1_200_000)
                    .setAmountMicros(400_000))
            .build());
  }

  @Override
  public void correctCredit(
      CorrectCreditRequest request, StreamObserver<CorrectCreditResponse> observer) {
    decisions.add(request);
    server.answer(
        observer,
        CorrectCreditResponse.newBuilder().setLeafIndex(11).setUnattributedPpm(125_000).build());
  }

  @Override
  public void eraseGeneration(EraseGenerationRequest request, StreamObserver<Empty> observer) {
    decisions.add(request);
    server.answer(observer, Empty.getDefaultInstance());
  }

  @Override
  public void getStats(GetStatsRequest request, StreamObserver<Stats> observer) {
    server.answer(
        observer,
        Stats.newBuilder()
            .setStartTime(TIME)
            .setUptime(Duration.newBuilder().setSeconds(93_784))
            .setRunningRequests(3)
            .setQueuedRequests(2)
            .setGenerations(1_000)
            .setPromptTokens(5_000)
            .setCachedTokens(400)
            .setCompletionTokens(20_000)
            .setKvPages(128)
            .setKvPagesUsed(17)
            .setDeviceAdapters(4)
            .setDeviceAdapterBytes(17_000_000)
            .setResidentBytes(987_000_000)
            .build());
  }

  @Override
  public void drain(DrainRequest request, StreamObserver<DrainResponse> observer) {
    server.answer(
        observer,
        DrainResponse.newBuilder()
            .setDraining(!request.getUndo())
            .setRunningRequests(running)
            .build());
  }

  private static Throwable missing(String name) {
    return FakeServer.status(Status.Code.NOT_FOUND, "no \"" + name + "\"");
  }

  @Override
  public void certifyModel(
      CertifyModelRequest request, StreamObserver<CertifyModelEvent> responses) {
    if (request.getSource().equals("missing")) {
      responses.onError(
          Status.FAILED_PRECONDITION
              .withDescription("there is no model at missing that may be imported")
              .asRuntimeException());
      return;
    }
    for (int tokens : new int[] {0, 70}) {
      responses.onNext(
          CertifyModelEvent.newBuilder()
              .setProgress(CertifyModelProgress.newBuilder().setTokens(tokens).setTotalTokens(70))
              .build());
    }
    ModelCertificate certificate = certificate();
    certificates.add(certificate);
    responses.onNext(CertifyModelEvent.newBuilder().setCertificate(certificate).build());
    responses.onCompleted();
  }

  private static ModelCertificate certificate() {
    ModelCertificate.Slice prose =
        ModelCertificate.Slice.newBuilder()
            .setName("prose")
            .setTokens(70)
            .setSourcePerplexity(12.5)
            .setBasePerplexity(13.25)
            .setKlMean(0.0234567)
            .setKlP99(0.31)
            .setFlips(3)
            .build();
    return ModelCertificate.newBuilder()
        .setBaseDigest("sha256:aa")
        .setSourceDigest("sha256:bb")
        .setTextDigest("sha256:cc")
        .setCreateTime(TIME)
        .addBaseFormats(
            ModelCertificate.Format.newBuilder()
                .setType("Q4_1")
                .setTensors(210)
                .setWeights(106_168_320))
        .addBaseFormats(
            ModelCertificate.Format.newBuilder().setType("F32").setTensors(61).setWeights(35_136))
        .addSourceFormats(
            ModelCertificate.Format.newBuilder()
                .setType("BF16")
                .setTensors(272)
                .setWeights(134_515_008))
        .addSlices(prose)
        .setAll(prose.toBuilder().setName("all"))
        .addLeftOut("chat: the model has no chat template")
        .build();
  }

  @Override
  public void listCertificates(
      ListCertificatesRequest request, StreamObserver<ListCertificatesResponse> responses) {
    responses.onNext(
        ListCertificatesResponse.newBuilder().addAllCertificates(certificates).build());
    responses.onCompleted();
  }
}
