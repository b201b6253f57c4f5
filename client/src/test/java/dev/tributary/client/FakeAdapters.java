package dev.tributary.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.Timestamp;
import com.google.rpc.ResourceInfo;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterEvent;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdapterVersion.State;
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
import dev.tributary.v1.Tier;
import dev.tributary.v1.UnloadRequest;
import dev.tributary.v1.UnpinRequest;
import dev.tributary.v1.UpdateAdapterRequest;
import dev.tributary.v1.UploadVersionRequest;
import dev.tributary.v1.UploadVersionResponse;
import dev.tributary.v1.WatchAdaptersRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Adapters in memory, with etags; names without a tenant are of tenant `public`. Calls are taken
/// one at a time.
public final class FakeAdapters extends AdaptersGrpc.AdaptersImplBase {
  /// What a watch is told, and how it ends.
  public record Watched(List<AdapterEvent> events, Status end) {}

  /// Aliases that were asked for, in order, also those that were ABORTED.
  public final Queue<SetAliasRequest> aliasesSet = new ConcurrentLinkedQueue<>();

  public final Queue<ImportVersionRequest> imported = new ConcurrentLinkedQueue<>();
  public final Queue<WatchAdaptersRequest> watched = new ConcurrentLinkedQueue<>();

  /// What the next watches are told; after the last one they are UNAVAILABLE.
  public final Queue<Watched> watches = new ConcurrentLinkedQueue<>();

  public final Queue<IndexVersionRequest> indexed = new ConcurrentLinkedQueue<>();

  /// What calls of IndexVersion are told, and how they end.
  public volatile List<IndexVersionEvent> indexing = List.of();

  public volatile Status indexEnd = Status.OK;

  /// So many of the next changes of aliases find that somebody else was faster.
  public final AtomicInteger aborts = new AtomicInteger();

  /// Weights stay where they are.
  public volatile boolean stubborn;

  /// Versions come out quarantined.
  public volatile boolean quarantining;

  public final FakeUploads uploads = new FakeUploads(this);

  private final FakeServer server;
  private final Map<String, Adapter> adapters = new LinkedHashMap<>();
  private final Map<String, List<AdapterVersion>> versions = new HashMap<>();
  private int changes;

  FakeAdapters(FakeServer server) {
    this.server = server;
    put(adapter("public/haiku", 4, 476_344, Tier.TIER_DISK));
    put(adapter("public/pirate", 8, 4_939_072, Tier.TIER_DEVICE));
    put(Adapter.newBuilder().setName("acme/empty").build());
    put(
        Adapter.newBuilder()
            .setName("public/torn")
            .setProdVersion(
                AdapterVersion.newBuilder()
                    .setState(State.STATE_QUARANTINED)
                    .setStateReason("r: is missing")
                    .setNumber(1))
            .build());
  }

  private static Adapter adapter(String name, int rank, long bytes, Tier tier) {
    return Adapter.newBuilder()
        .setName(name)
        .addAliases(Alias.newBuilder().setName("prod"))
        .setVersionCount(1)
        .setProdVersion(
            AdapterVersion.newBuilder()
                .setAdapter(name)
                .setNumber(1)
                .setRank(rank)
                .setWeightsBytes(bytes)
                .setTier(tier)
                .setDigest(FakeServer.DIGEST))
        .build();
  }

  /// Puts an adapter with these versions, newest first, in the place of one that was there.
  public synchronized void put(Adapter adapter, AdapterVersion... all) {
    Adapter.Builder stored = adapter.toBuilder().setEtag(etag());
    stored.getAliasesBuilderList().forEach(alias -> alias.setEtag(etag()));
    adapters.put(adapter.getName(), stored.build());
    versions.put(adapter.getName(), new ArrayList<>(List.of(all)));
  }

  /// An adapter as it is now.
  public synchronized Adapter get(String name) {
    Adapter adapter = adapters.get(full(name));
    if (adapter == null) {
      throw FakeServer.status(
          Status.Code.NOT_FOUND,
          "no adapter \"" + name + "\"",
          ResourceInfo.newBuilder().setResourceType("adapter").setResourceName(name).build());
    }
    return adapter;
  }

  public synchronized List<AdapterVersion> versions(String name) {
    return List.copyOf(versions.getOrDefault(full(name), List.of()));
  }

  /// Adds a version to an adapter, making it if there is none.
  synchronized AdapterVersion publish(String name, String digest) {
    String full = full(name);
    if (!adapters.containsKey(full)) {
      put(Adapter.newBuilder().setName(full).build());
    }
    Adapter.Builder adapter = get(full).toBuilder();
    int number = adapter.getLatestVersion() + 1;
    AdapterVersion version =
        AdapterVersion.newBuilder()
            .setAdapter(full)
            .setNumber(number)
            .setDigest(digest)
            .setTier(Tier.TIER_DISK)
            .setState(quarantining ? State.STATE_QUARANTINED : State.STATE_READY)
            .setStateReason(quarantining ? "no effect" : "")
            .setCreateTime(Timestamp.newBuilder().setSeconds(1_800_000_000))
            .build();
    versions.computeIfAbsent(full, any -> new ArrayList<>()).addFirst(version);
    adapters.put(
        full,
        adapter
            .setLatestVersion(number)
            .setVersionCount(adapter.getVersionCount() + 1)
            .setEtag(etag())
            .build());
    return version;
  }

  private static String full(String name) {
    return name.contains("/") ? name : "public/" + name;
  }

  private String etag() {
    return "e" + ++changes;
  }

  /// Answers with what `call` returns or throws.
  private <T> void answering(StreamObserver<T> observer, Supplier<T> call) {
    T response;
    try {
      synchronized (this) {
        response = call.get();
      }
    } catch (StatusRuntimeException e) {
      observer.onError(e);
      return;
    }
    server.answer(observer, response);
  }

  @Override
  public void createAdapter(CreateAdapterRequest request, StreamObserver<Adapter> observer) {
    answering(
        observer,
        () -> {
          String name = full(request.getAdapter().getName());
          if (adapters.containsKey(name)) {
            throw FakeServer.status(Status.Code.ALREADY_EXISTS, name + " is there already");
          }
          put(request.getAdapter().toBuilder().setName(name).build());
          return get(name);
        });
  }

  @Override
  public void getAdapter(GetAdapterRequest request, StreamObserver<Adapter> observer) {
    answering(observer, () -> get(request.getName()));
  }

  @Override
  public void updateAdapter(UpdateAdapterRequest request, StreamObserver<Adapter> observer) {
    answering(
        observer,
        () -> {
          Adapter wanted = request.getAdapter();
          Adapter stored = get(wanted.getName());
          requireEtag(wanted.getEtag(), stored.getEtag());
          if (!request.getUpdateMask().getPathsList().equals(List.of("labels"))) {
            throw FakeServer.status(Status.Code.INVALID_ARGUMENT, "only labels");
          }
          Adapter changed =
              stored.toBuilder()
                  .clearLabels()
                  .putAllLabels(wanted.getLabelsMap())
                  .setEtag(etag())
                  .build();
          adapters.put(stored.getName(), changed);
          return changed;
        });
  }

  @Override
  public void deleteAdapter(DeleteAdapterRequest request, StreamObserver<Empty> observer) {
    answering(
        observer,
        () -> {
          String name = get(request.getName()).getName();
          adapters.remove(name);
          versions.remove(name);
          return Empty.getDefaultInstance();
        });
  }

  /// Pages of one adapter each, whatever was asked.
  @Override
  public void listAdapters(
      ListAdaptersRequest request, StreamObserver<ListAdaptersResponse> observer) {
    List<Adapter> all = List.copyOf(adapters.values());
    int page = request.getPageToken().isEmpty() ? 0 : Integer.parseInt(request.getPageToken());
    server.answer(
        observer,
        ListAdaptersResponse.newBuilder()
            .addAdapters(all.get(page))
            .setNextPageToken(page + 1 < all.size() ? Integer.toString(page + 1) : "")
            .build());
  }

  /// Pages of two versions each.
  @Override
  public void listVersions(
      ListVersionsRequest request, StreamObserver<ListVersionsResponse> observer) {
    answering(
        observer,
        () -> {
          List<AdapterVersion> all = versions(get(request.getAdapter()).getName());
          int start =
              request.getPageToken().isEmpty() ? 0 : Integer.parseInt(request.getPageToken());
          int end = Math.min(all.size(), start + 2);
          return ListVersionsResponse.newBuilder()
              .addAllVersions(all.subList(start, end))
              .setNextPageToken(end < all.size() ? Integer.toString(end) : "")
              .build();
        });
  }

  @Override
  public void deleteVersion(DeleteVersionRequest request, StreamObserver<Empty> observer) {
    answering(
        observer,
        () -> {
          find(request.getAdapter(), request.getNumber());
          versions
              .getOrDefault(full(request.getAdapter()), List.of())
              .removeIf(version -> version.getNumber() == request.getNumber());
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void importVersion(ImportVersionRequest request, StreamObserver<AdapterVersion> observer) {
    imported.add(request);
    answering(observer, () -> publish(request.getAdapter(), FakeServer.DIGEST));
  }

  @Override
  public void setAlias(SetAliasRequest request, StreamObserver<Alias> observer) {
    aliasesSet.add(request);
    answering(
        observer,
        () -> {
          Adapter stored = get(request.getAdapter());
          Alias wanted = request.getAlias();
          List<Alias> kept = new ArrayList<>(stored.getAliasesList());
          @Nullable Alias old =
              kept.stream()
                  .filter(alias -> alias.getName().equals(wanted.getName()))
                  .findFirst()
                  .orElse(null);
          if (aborts.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
            throw FakeServer.status(Status.Code.ABORTED, "the etag is another");
          }
          requireEtag(wanted.getEtag(), old == null ? "" : old.getEtag());
          wanted.getTargetsList().forEach(target -> find(stored.getName(), target.getNumber()));
          kept.remove(old);
          Alias set = wanted.toBuilder().setEtag(etag()).build();
          if (set.getTargetsCount() > 0) {
            kept.add(set);
            kept.sort(Comparator.comparing(Alias::getName));
          }
          adapters.put(
              stored.getName(), stored.toBuilder().clearAliases().addAllAliases(kept).build());
          return set;
        });
  }

  @Override
  public void load(LoadRequest request, StreamObserver<AdapterVersion> observer) {
    move(observer, request.getAdapter(), version -> version.setTier(Tier.TIER_DEVICE));
  }

  @Override
  public void unload(UnloadRequest request, StreamObserver<AdapterVersion> observer) {
    move(observer, request.getAdapter(), version -> version.setTier(Tier.TIER_DISK));
  }

  @Override
  public void pin(PinRequest request, StreamObserver<AdapterVersion> observer) {
    move(
        observer,
        request.getAdapter(),
        version -> version.setTier(Tier.TIER_DEVICE).setPinned(true));
  }

  @Override
  public void unpin(UnpinRequest request, StreamObserver<AdapterVersion> observer) {
    move(observer, request.getAdapter(), version -> version.setPinned(false));
  }

  @Override
  public StreamObserver<UploadVersionRequest> uploadVersion(
      StreamObserver<UploadVersionResponse> observer) {
    return uploads.call(observer);
  }

  @Override
  public void watchAdapters(WatchAdaptersRequest request, StreamObserver<AdapterEvent> observer) {
    watched.add(request);
    Watched script = watches.poll();
    if (script == null) {
      observer.onError(FakeServer.status(Status.Code.UNAVAILABLE, "gone"));
      return;
    }
    script.events().forEach(observer::onNext);
    if (script.end().isOk()) {
      observer.onCompleted();
    } else {
      observer.onError(script.end().asRuntimeException());
    }
  }

  @Override
  public void indexVersion(
      IndexVersionRequest request, StreamObserver<IndexVersionEvent> observer) {
    indexed.add(request);
    indexing.forEach(observer::onNext);
    if (indexEnd.isOk()) {
      observer.onCompleted();
    } else {
      observer.onError(indexEnd.asRuntimeException());
    }
  }

  private void move(
      StreamObserver<AdapterVersion> observer,
      AdapterSelector selector,
      UnaryOperator<AdapterVersion.Builder> change) {
    answering(
        observer,
        () -> {
          String name = get(selector.getName()).getName();
          AdapterVersion version = find(name, Math.max(1, selector.getNumber()));
          AdapterVersion moved = stubborn ? version : change.apply(version.toBuilder()).build();
          versions.getOrDefault(name, new ArrayList<>()).replaceAll(v -> v == version ? moved : v);
          return moved;
        });
  }

  private AdapterVersion find(String name, int number) {
    return versions(name).stream()
        .filter(version -> version.getNumber() == number)
        .findFirst()
        .orElseThrow(
            () -> FakeServer.status(Status.Code.NOT_FOUND, "no version " + number + " of " + name));
  }

  private static void requireEtag(String given, String stored) {
    if (!given.isEmpty() && !given.equals(stored)) {
      throw FakeServer.status(Status.Code.ABORTED, "the etag is another");
    }
  }

  /// The bytes of the files of the upload that made a version, by name.
  public Map<String, ByteString> files(String digest) {
    return uploads.published(digest);
  }
}
