package dev.tributary.client;

import static dev.tributary.client.Connection.calling;
import static dev.tributary.client.Connection.quick;

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
import dev.tributary.v1.SettlementLine;
import dev.tributary.v1.Stats;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.UpdateTenantRequest;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// A client of one server's admin port, which wants the admin key; safe for use by many threads.
///
/// Every method throws [TributaryException] if its call failed.
public final class AdminClient implements AutoCloseable {
  /// For all answers of a period to be added up.
  private static final Duration SETTLING = Duration.ofMinutes(10);

  /// Beside answers, for a base of many billions of weights.
  private static final Duration CERTIFYING = Duration.ofHours(12);

  private final Connection connection;
  private final AdminGrpc.AdminBlockingStub admin;

  private AdminClient(Connection connection) {
    this.connection = connection;
    this.admin = connection.configured(AdminGrpc.newBlockingStub(connection.channel()));
  }

  /// A client of the admin port at `target`. Connects with the first call.
  ///
  /// @param options whose API key is the admin key
  /// @throws IOException if the certificates cannot be read, or the target is not a name
  public static AdminClient connect(String target, ClientOptions options) throws IOException {
    return new AdminClient(Connection.open(target, options));
  }

  /// A client over a channel that is there already; it is shut down with the client.
  public static AdminClient over(ManagedChannel channel, ClientOptions options) {
    return new AdminClient(new Connection(channel, options));
  }

  public Tenant createTenant(Tenant tenant) {
    CreateTenantRequest request = CreateTenantRequest.newBuilder().setTenant(tenant).build();
    return calling(() -> quick(admin).createTenant(request));
  }

  public Tenant tenant(String name) {
    GetTenantRequest request = GetTenantRequest.newBuilder().setName(name).build();
    return calling(() -> quick(admin).getTenant(request));
  }

  /// All tenants, by name.
  public List<Tenant> tenants() {
    ListTenantsRequest.Builder request =
        ListTenantsRequest.newBuilder().setPageSize(Connection.PAGE_SIZE);
    return Connection.pages(
        token -> {
          ListTenantsResponse response =
              quick(admin).listTenants(request.setPageToken(token).build());
          return new Connection.Page<>(response.getTenantsList(), response.getNextPageToken());
        });
  }

  public Tenant updateTenant(UpdateTenantRequest request) {
    return calling(() -> quick(admin).updateTenant(request));
  }

  public void deleteTenant(String name) {
    DeleteTenantRequest request = DeleteTenantRequest.newBuilder().setName(name).build();
    calling(() -> quick(admin).deleteTenant(request));
  }

  /// Makes a key; its secret is in the response and nowhere else.
  public CreateKeyResponse createKey(Key key) {
    CreateKeyRequest request = CreateKeyRequest.newBuilder().setKey(key).build();
    return calling(() -> quick(admin).createKey(request));
  }

  /// @param tenant whose keys; empty: all tenants'
  public List<Key> keys(String tenant) {
    ListKeysRequest.Builder request =
        ListKeysRequest.newBuilder().setTenant(tenant).setPageSize(Connection.PAGE_SIZE);
    return Connection.pages(
        token -> {
          ListKeysResponse response = quick(admin).listKeys(request.setPageToken(token).build());
          return new Connection.Page<>(response.getKeysList(), response.getNextPageToken());
        });
  }

  public void revokeKey(String keyId) {
    RevokeKeyRequest request = RevokeKeyRequest.newBuilder().setKeyId(keyId).build();
    calling(() -> quick(admin).revokeKey(request));
  }

  /// Records a price.
  ///
  /// @param rule whose leaf is the server's
  public PriceRule createPriceRule(PriceRule rule) {
    CreatePriceRuleRequest request = CreatePriceRuleRequest.newBuilder().setPriceRule(rule).build();
    return calling(() -> quick(admin).createPriceRule(request));
  }

  /// All prices, in the order in which they were made.
  public List<PriceRule> priceRules() {
    ListPriceRulesRequest.Builder request =
        ListPriceRulesRequest.newBuilder().setPageSize(Connection.PAGE_SIZE);
    return Connection.pages(
        token -> {
          ListPriceRulesResponse response =
              quick(admin).listPriceRules(request.setPageToken(token).build());
          return new Connection.Page<>(response.getPriceRulesList(), response.getNextPageToken());
        });
  }

  /// Closes the period since the last settlement, for ever.
  ///
  /// @param end beginning of an hour; empty: of the present one
  public Settlement settle(Optional<Timestamp> end) {
    SettleRequest.Builder request = SettleRequest.newBuilder();
    end.ifPresent(request::setEndTime);
    return calling(() -> Connection.within(admin, SETTLING).settle(request.build()));
  }

  /// All settlements, newest first.
  public List<Settlement> settlements() {
    ListSettlementsRequest.Builder request =
        ListSettlementsRequest.newBuilder().setPageSize(Connection.PAGE_SIZE);
    return Connection.pages(
        token -> {
          ListSettlementsResponse response =
              quick(admin).listSettlements(request.setPageToken(token).build());
          return new Connection.Page<>(response.getSettlementsList(), response.getNextPageToken());
        });
  }

  /// Whom a settlement credits.
  ///
  /// @param leaf of the settlement
  public List<SettlementLine> settlementLines(long leaf) {
    ListSettlementLinesRequest.Builder request =
        ListSettlementLinesRequest.newBuilder()
            .setLeafIndex(leaf)
            .setPageSize(Connection.PAGE_SIZE);
    return Connection.pages(
        token -> {
          ListSettlementLinesResponse response =
              quick(admin).listSettlementLines(request.setPageToken(token).build());
          return new Connection.Page<>(response.getLinesList(), response.getNextPageToken());
        });
  }

  /// Credits a generation otherwise than it was.
  public CorrectCreditResponse correctCredit(CorrectCreditRequest request) {
    return calling(() -> quick(admin).correctCredit(request));
  }

  /// Destroys what is recorded of a generation, for ever.
  ///
  /// @param cause one line, for the record of the erasure
  public void eraseGeneration(String tenant, String generationId, String cause) {
    EraseGenerationRequest request =
        EraseGenerationRequest.newBuilder()
            .setTenant(tenant)
            .setGenerationId(generationId)
            .setCause(cause)
            .build();
    calling(() -> quick(admin).eraseGeneration(request));
  }

  public Stats stats() {
    return calling(() -> quick(admin).getStats(GetStatsRequest.getDefaultInstance()));
  }

  /// Measures what the base's four bits cost against the model that it was made of; takes minutes.
  ///
  /// @param source path on the server's machine
  /// @param progress hears how far it is
  public ModelCertificate certifyModel(String source, Consumer<CertifyModelProgress> progress) {
    CertifyModelRequest request = CertifyModelRequest.newBuilder().setSource(source).build();
    return calling(
        () -> {
          Iterator<CertifyModelEvent> events =
              Connection.within(admin, CERTIFYING).certifyModel(request);
          while (events.hasNext()) {
            CertifyModelEvent event = events.next();
            if (event.hasCertificate()) {
              return event.getCertificate();
            }
            progress.accept(event.getProgress());
          }
          throw new IllegalStateException("the server ended the call without a result");
        });
  }

  /// What was measured of the resident base before, newest first.
  public List<ModelCertificate> certificates() {
    return calling(
            () -> quick(admin).listCertificates(ListCertificatesRequest.getDefaultInstance()))
        .getCertificatesList();
  }

  /// Stops taking generations, and waits at most `time` for those in flight.
  public DrainResponse drain(Duration time) {
    return calling(() -> Connection.within(admin, time).drain(DrainRequest.getDefaultInstance()));
  }

  /// Takes generations again.
  public DrainResponse undrain() {
    return calling(() -> quick(admin).drain(DrainRequest.newBuilder().setUndo(true).build()));
  }

  /// Cancels what is still running and closes the connection.
  @Override
  public void close() {
    connection.close();
  }
}
