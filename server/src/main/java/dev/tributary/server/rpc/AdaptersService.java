package dev.tributary.server.rpc;

import dev.tributary.server.adapter.AdapterException;
import dev.tributary.server.adapter.AdapterInfo;
import dev.tributary.server.adapter.AdapterRef;
import dev.tributary.server.adapter.AdapterRefusal;
import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.Alias;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.ListAdaptersRequest;
import dev.tributary.v1.ListAdaptersResponse;
import dev.tributary.v1.ListVersionsRequest;
import dev.tributary.v1.ListVersionsResponse;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The reading methods of tributary.v1.Adapters, over the folders that the server was started with.
///
/// Such an adapter has one version, the one in its folder, and the alias `prod`. One whose files
/// are refused is listed with a quarantined version that says why.
final class AdaptersService extends AdaptersGrpc.AdaptersImplBase {
  private static final int MAX_PAGE = 1_000;
  private static final int DEFAULT_PAGE = 100;

  private final AdapterStore store;
  private final String baseDigest;
  private final Ids ids;

  AdaptersService(AdapterStore store, String baseDigest, Ids ids) {
    this.store = store;
    this.baseDigest = baseDigest;
    this.ids = ids;
  }

  @Override
  public void getAdapter(GetAdapterRequest request, StreamObserver<Adapter> responses) {
    Call.serve(
        responses, ids.next(), call -> call.answer(adapter(find(request.getName(), "name"))));
  }

  @Override
  public void listAdapters(
      ListAdaptersRequest request, StreamObserver<ListAdaptersResponse> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(list(request)));
  }

  @Override
  public void listVersions(
      ListVersionsRequest request, StreamObserver<ListVersionsResponse> responses) {
    Call.serve(responses, ids.next(), call -> call.answer(versions(request)));
  }

  private AdapterInfo find(String name, String field) {
    AdapterChoice.checkName(name, field);
    try {
      return store.get(Caller.current().tenant(), name);
    } catch (AdapterException e) {
      throw Statuses.of(e.refusal(), name);
    }
  }

  private ListAdaptersResponse list(ListAdaptersRequest request) {
    String tenant = request.getTenant();
    if (!tenant.isEmpty() && !tenant.equals(Caller.PUBLIC)) {
      throw Statuses.notFound("tenant", tenant);
    }
    int size = pageSize(request.getPageSize());
    PageToken page = PageToken.read(request.getPageToken(), tenant);
    List<AdapterInfo> found = store.list(page.last(), size + 1);
    ListAdaptersResponse.Builder response = ListAdaptersResponse.newBuilder();
    found.stream().limit(size).forEach(info -> response.addAdapters(adapter(info)));
    if (found.size() > size) {
      response.setNextPageToken(new PageToken(tenant, found.get(size - 1).name()).text());
    }
    return response.build();
  }

  private ListVersionsResponse versions(ListVersionsRequest request) {
    AdapterInfo info = find(request.getAdapter(), "adapter");
    int unused = pageSize(request.getPageSize());
    if (!request.getPageToken().isEmpty()) {
      throw Statuses.invalid("page_token", "is not one of this list's");
    }
    return ListVersionsResponse.newBuilder().addVersions(version(info)).build();
  }

  private static int pageSize(int asked) {
    if (asked < 0 || asked > MAX_PAGE) {
      throw Statuses.invalid("page_size", "is " + asked + ", must be between 0 and " + MAX_PAGE);
    }
    return asked == 0 ? DEFAULT_PAGE : asked;
  }

  private Adapter adapter(AdapterInfo info) {
    AdapterVersion version = version(info);
    Adapter.Builder adapter =
        Adapter.newBuilder()
            .setName(version.getAdapter())
            .addAliases(
                Alias.newBuilder()
                    .setName(AdapterRef.DEFAULT_ALIAS)
                    .addTargets(
                        Alias.Target.newBuilder().setNumber(version.getNumber()).setWeight(1)))
            .setVersionCount(1)
            .setLatestVersion(version.getNumber())
            .setProdVersion(version);
    if (version.hasCreateTime()) {
      adapter.setCreateTime(version.getCreateTime()).setUpdateTime(version.getCreateTime());
    }
    return adapter.build();
  }

  private AdapterVersion version(AdapterInfo info) {
    AdapterVersion.Builder told =
        AdapterVersion.newBuilder()
            .setAdapter(info.tenant() + "/" + info.name())
            .setNumber(1)
            .setState(AdapterVersion.State.STATE_READY)
            .setTier(Leases.tier(info.tier()));
    AdapterRefusal refusal = info.refusal();
    if (refusal != null) {
      told.setState(AdapterVersion.State.STATE_QUARANTINED).setStateReason(refusal.message());
    }
    dev.tributary.server.adapter.@Nullable AdapterVersion version = info.latest();
    if (version != null) {
      Instant created = version.created();
      told.setNumber(version.number())
          .setDigest(version.digest())
          .setBaseDigest(baseDigest)
          .setRank(version.rank())
          .addAllTargetModules(version.targets())
          .setParameters(version.parameters())
          .setWeightsBytes(version.bytes())
          .setDora(version.dora())
          .setCreateTime(Times.timestamp(created));
    }
    return told.build();
  }
}
