package dev.tributary.server.rpc;

import com.google.protobuf.Empty;
import dev.tributary.server.adapter.AdapterInfo;
import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.AdapterVersion;
import dev.tributary.server.adapter.Catalogue;
import dev.tributary.server.adapter.Intake;
import dev.tributary.server.adapter.Lease;
import dev.tributary.server.adapter.VersionInfo;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.Role;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterEvent;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.Alias;
import dev.tributary.v1.CreateAdapterRequest;
import dev.tributary.v1.DeleteAdapterRequest;
import dev.tributary.v1.DeleteVersionRequest;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.ImportVersionRequest;
import dev.tributary.v1.IndexVersionEvent;
import dev.tributary.v1.IndexVersionRequest;
import dev.tributary.v1.ListAdaptersRequest;
import dev.tributary.v1.ListAdaptersResponse;
import dev.tributary.v1.ListVersionsRequest;
import dev.tributary.v1.ListVersionsResponse;
import dev.tributary.v1.LoadRequest;
import dev.tributary.v1.PinRequest;
import dev.tributary.v1.SetAliasRequest;
import dev.tributary.v1.UnloadRequest;
import dev.tributary.v1.UnpinRequest;
import dev.tributary.v1.UpdateAdapterRequest;
import dev.tributary.v1.UploadVersionRequest;
import dev.tributary.v1.UploadVersionResponse;
import dev.tributary.v1.WatchAdaptersRequest;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The methods of tributary.v1.Adapters. Callers read their own adapters and those of `public`, and
/// change their own.
final class AdaptersService extends AdaptersGrpc.AdaptersImplBase {
  private static final String HUB = "hf:";

  private final AdapterStore store;
  private final AdapterAnswers answers;
  private final Catalogue catalogue;
  private final Indexing indexing;
  private final Ids ids;
  private final Delay delay;
  private final Duration streamIdle;
  private final InstantSource time;

  /// @param streamIdle a stream that takes or brings nothing for so long ends
  AdaptersService(
      AdapterStore store,
      AdapterAnswers answers,
      Indexing indexing,
      Ids ids,
      Delay delay,
      Duration streamIdle,
      InstantSource time) {
    this.store = store;
    this.answers = answers;
    this.catalogue = store.catalogue();
    this.indexing = indexing;
    this.ids = ids;
    this.delay = delay;
    this.streamIdle = streamIdle;
    this.time = time;
  }

  @Override
  public void createAdapter(CreateAdapterRequest request, StreamObserver<Adapter> responses) {
    serve(
        responses,
        call -> {
          Adapter asked = request.getAdapter();
          AdapterRequests.checkNew(asked);
          return answers.adapter(
              catalogue.create(own(asked.getName()), asked.getDescription(), asked.getLabelsMap()));
        });
  }

  @Override
  public StreamObserver<UploadVersionRequest> uploadVersion(
      StreamObserver<UploadVersionResponse> responses) {
    Inbound<UploadVersionRequest> chunks = new Inbound<>(responses, delay, streamIdle);
    Call.serve(
        responses,
        ids.next(),
        call ->
            new UploadCall(store, answers, this::own, call, chunks, call.paced(delay, streamIdle))
                .run());
    return chunks;
  }

  @Override
  public void importVersion(
      ImportVersionRequest request, StreamObserver<dev.tributary.v1.AdapterVersion> responses) {
    serve(responses, call -> answers.version(catalogue.info(importVersion(request))));
  }

  private VersionRecord importVersion(ImportVersionRequest request) {
    AdapterChoice.checkName(request.getAdapter(), "adapter");
    AdapterChoice.checkDigest(request.getDigest(), "digest");
    AdapterChoice.checkDigest(request.getManifestDigest(), "manifest_digest");
    String source = request.getSource();
    if (source.isEmpty()) {
      throw Statuses.invalid("source", "is required");
    }
    boolean hub = source.startsWith(HUB);
    if (!hub && Caller.current().role() != Role.ADMIN) {
      throw Statuses.administratorsOnly("importing by path; import from hf:owner/repo instead");
    }
    Intake.Announced announced =
        new Intake.Announced(
            own(request.getAdapter()),
            List.of(),
            request.getDigest().isEmpty() ? null : request.getDigest(),
            request.getAllowBaseMismatch(),
            request.getManifestDigest());
    return Statuses.named(
        request.getAdapter(),
        () ->
            hub
                ? store.intake().importRemote(source, announced)
                : store.intake().importPath(source, announced));
  }

  @Override
  public void getAdapter(GetAdapterRequest request, StreamObserver<Adapter> responses) {
    serve(responses, call -> answers.adapter(find(request.getName(), "name")));
  }

  @Override
  public void listAdapters(
      ListAdaptersRequest request, StreamObserver<ListAdaptersResponse> responses) {
    serve(responses, call -> list(request));
  }

  private ListAdaptersResponse list(ListAdaptersRequest request) {
    Set<String> readable = new TreeSet<>(Set.of(AdapterStore.TENANT));
    readable.add(tenant());
    String tenant = request.getTenant();
    if (!tenant.isEmpty() && !readable.contains(tenant)) {
      throw Statuses.notFound("tenant", tenant);
    }
    int size = AdapterRequests.pageSize(request.getPageSize());
    AdapterName after = PageToken.read(request.getPageToken(), tenant).adapter();
    List<AdapterInfo> found =
        catalogue.list(tenant.isEmpty() ? readable : Set.of(tenant), after, size + 1);
    ListAdaptersResponse.Builder response = ListAdaptersResponse.newBuilder();
    found.stream().limit(size).map(answers::adapter).forEach(response::addAdapters);
    if (found.size() > size) {
      String last = found.get(size - 1).adapter().name().toString();
      response.setNextPageToken(new PageToken(tenant, last).text());
    }
    return response.build();
  }

  @Override
  public void updateAdapter(UpdateAdapterRequest request, StreamObserver<Adapter> responses) {
    serve(
        responses,
        call -> {
          Set<String> fields = AdapterRequests.mask(request);
          Adapter asked = request.getAdapter();
          return answers.adapter(
              catalogue.update(
                  own(asked.getName()),
                  AdapterRequests.etag(asked.getEtag()),
                  stored -> {
                    var changed =
                        fields.contains("description")
                            ? stored.withDescription(asked.getDescription())
                            : stored;
                    return fields.contains("labels")
                        ? changed.withLabels(asked.getLabelsMap())
                        : changed;
                  }));
        });
  }

  @Override
  public void deleteAdapter(DeleteAdapterRequest request, StreamObserver<Empty> responses) {
    serve(
        responses,
        call -> {
          AdapterChoice.checkName(request.getName(), "name");
          AdapterName name = own(request.getName());
          String etag = AdapterRequests.etag(request.getEtag());
          return Statuses.named(
              request.getName(),
              () -> {
                store.deleteAdapter(name, etag, call::await);
                return Empty.getDefaultInstance();
              });
        });
  }

  @Override
  public void listVersions(
      ListVersionsRequest request, StreamObserver<ListVersionsResponse> responses) {
    serve(responses, call -> versions(request));
  }

  private ListVersionsResponse versions(ListVersionsRequest request) {
    AdapterInfo adapter = find(request.getAdapter(), "adapter");
    AdapterName name = adapter.adapter().name();
    int size = AdapterRequests.pageSize(request.getPageSize());
    String list = name + "/versions";
    int before = PageToken.read(request.getPageToken(), list).number();
    ListVersionsResponse.Builder response = ListVersionsResponse.newBuilder();
    List<VersionInfo> found = catalogue.versions(name, before, size + 1);
    found.stream().limit(size).map(answers::version).forEach(response::addVersions);
    if (found.size() > size) {
      response.setNextPageToken(
          new PageToken(list, String.valueOf(response.getVersions(size - 1).getNumber())).text());
    }
    VersionInfo refused = adapter.prod();
    if (found.isEmpty() && request.getPageToken().isEmpty() && refused != null) {
      // A folder that never was a version says why.
      response.addVersions(answers.version(refused));
    }
    return response.build();
  }

  @Override
  public void deleteVersion(DeleteVersionRequest request, StreamObserver<Empty> responses) {
    serve(
        responses,
        call -> {
          AdapterChoice.checkName(request.getAdapter(), "adapter");
          AdapterRequests.checkNumber(request.getNumber(), "number");
          AdapterName name = own(request.getAdapter());
          return Statuses.named(
              request.getAdapter(),
              () -> {
                store.deleteVersion(name, request.getNumber(), call::await);
                return Empty.getDefaultInstance();
              });
        });
  }

  @Override
  public void setAlias(SetAliasRequest request, StreamObserver<Alias> responses) {
    serve(responses, call -> set(request));
  }

  private Alias set(SetAliasRequest request) {
    AdapterChoice.checkName(request.getAdapter(), "adapter");
    Alias asked = request.getAlias();
    List<AliasRecord.Target> targets = AdapterRequests.targets(asked);
    AliasRecord.@Nullable Shadow shadow = AdapterRequests.shadow(asked);
    AdapterName name = own(request.getAdapter());
    @Nullable String etag = AdapterRequests.etag(asked.getEtag());
    if (targets.isEmpty()) {
      catalogue.removeAlias(name, asked.getName(), etag);
      return Alias.newBuilder().setName(asked.getName()).build();
    }
    return AdapterAnswers.alias(catalogue.setAlias(name, asked.getName(), targets, shadow, etag));
  }

  @Override
  public void load(LoadRequest request, StreamObserver<dev.tributary.v1.AdapterVersion> responses) {
    serve(
        responses,
        call -> {
          AdapterVersion version = resolve(request.getAdapter(), call);
          lease(request.getAdapter(), version, call).close();
          return answers.version(store.info(version));
        });
  }

  @Override
  public void unload(
      UnloadRequest request, StreamObserver<dev.tributary.v1.AdapterVersion> responses) {
    serve(
        responses,
        call -> {
          AdapterVersion version = resolveOwn(request.getAdapter(), call);
          store.unload(version, call::await);
          return answers.version(store.info(version));
        });
  }

  @Override
  public void pin(PinRequest request, StreamObserver<dev.tributary.v1.AdapterVersion> responses) {
    serve(
        responses,
        call -> {
          AdapterVersion version = resolveOwn(request.getAdapter(), call);
          try (Lease lease = lease(request.getAdapter(), version, call)) {
            Statuses.named(
                request.getAdapter().getName(),
                () -> {
                  store.pin(lease);
                  return lease;
                });
          }
          return answers.version(store.info(version));
        });
  }

  @Override
  public void unpin(
      UnpinRequest request, StreamObserver<dev.tributary.v1.AdapterVersion> responses) {
    serve(
        responses,
        call -> {
          AdapterVersion version = resolveOwn(request.getAdapter(), call);
          store.unpin(version);
          return answers.version(store.info(version));
        });
  }

  @Override
  public void indexVersion(
      IndexVersionRequest request, StreamObserver<IndexVersionEvent> responses) {
    Call.serve(
        responses,
        ids.next(),
        call ->
            new IndexCall(store, answers, indexing, call, call.paced(delay, streamIdle))
                .run(resolveOwn(request.getAdapter(), call), request.getAdapter().getName()));
  }

  @Override
  public void watchAdapters(WatchAdaptersRequest request, StreamObserver<AdapterEvent> responses) {
    Call.serve(
        responses,
        ids.next(),
        call ->
            new WatchCall(catalogue, tenant(), time, call, call.paced(delay, streamIdle))
                .run(request, name -> find(name, "names")));
  }

  private AdapterVersion resolve(AdapterSelector selector, Call<?> call) {
    AdapterChoice choice = AdapterChoice.unscaled(selector, "adapter");
    return choice.resolve(store, tenant(), call.id());
  }

  private AdapterVersion resolveOwn(AdapterSelector selector, Call<?> call) {
    AdapterVersion version = resolve(selector, call);
    // A bare name may have led to `public`.
    own(version.tenant() + "/" + version.name());
    return version;
  }

  private Lease lease(AdapterSelector selector, AdapterVersion version, Call<?> call) {
    return Statuses.named(selector.getName(), () -> call.await(store.lease(version)));
  }

  private AdapterInfo find(String name, String field) {
    AdapterChoice.checkName(name, field);
    return Statuses.named(name, () -> catalogue.get(tenant(), name));
  }

  /// The adapter of the caller's own namespace.
  private AdapterName own(String name) {
    return Statuses.named(name, () -> catalogue.own(tenant(), name));
  }

  private static String tenant() {
    return Caller.current().tenant();
  }

  private interface Work<T> {
    T answer(Call<T> call);
  }

  private <T> void serve(StreamObserver<T> responses, Work<T> work) {
    Call.serve(responses, ids.next(), call -> call.answer(work.answer(call)));
  }
}
