package dev.tributary.client;

import static dev.tributary.client.Connection.calling;
import static dev.tributary.client.Connection.quick;

import dev.tributary.v1.AdminGrpc;
import dev.tributary.v1.CreateKeyRequest;
import dev.tributary.v1.CreateKeyResponse;
import dev.tributary.v1.CreateTenantRequest;
import dev.tributary.v1.DeleteTenantRequest;
import dev.tributary.v1.DrainRequest;
import dev.tributary.v1.DrainResponse;
import dev.tributary.v1.GetStatsRequest;
import dev.tributary.v1.GetTenantRequest;
import dev.tributary.v1.Key;
import dev.tributary.v1.ListKeysRequest;
import dev.tributary.v1.ListKeysResponse;
import dev.tributary.v1.ListTenantsRequest;
import dev.tributary.v1.ListTenantsResponse;
import dev.tributary.v1.RevokeKeyRequest;
import dev.tributary.v1.Stats;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.UpdateTenantRequest;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/// A client of one server's admin port, which wants the admin key; safe for use by many threads.
///
/// Every method throws [TributaryException] if its call failed.
public final class AdminClient implements AutoCloseable {
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

  public Stats stats() {
    return calling(() -> quick(admin).getStats(GetStatsRequest.getDefaultInstance()));
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
