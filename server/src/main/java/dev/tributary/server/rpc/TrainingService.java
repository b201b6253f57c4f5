package dev.tributary.server.rpc;

import dev.tributary.server.adapter.Catalogue;
import dev.tributary.server.rpc.Contributing.Given;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.train.DataException;
import dev.tributary.server.train.Example;
import dev.tributary.server.train.RunOrder;
import dev.tributary.server.train.RunSettings;
import dev.tributary.server.train.RunSource;
import dev.tributary.server.train.RunView;
import dev.tributary.server.train.TrainingRuns;
import dev.tributary.v1.TrainingCancelRequest;
import dev.tributary.v1.TrainingEvent;
import dev.tributary.v1.TrainingGetRequest;
import dev.tributary.v1.TrainingGrpc;
import dev.tributary.v1.TrainingListRequest;
import dev.tributary.v1.TrainingListResponse;
import dev.tributary.v1.TrainingRun;
import dev.tributary.v1.TrainingSettings;
import dev.tributary.v1.TrainingStartRequest;
import dev.tributary.v1.TrainingStartRequest.TrainedVersion;
import dev.tributary.v1.TrainingWatchRequest;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The methods of tributary.v1.Training. Callers train adapters of their own namespace, and see
/// their own runs.
final class TrainingService extends TrainingGrpc.TrainingImplBase {
  /// Examples are encoded one request at a time: it takes seconds, and answers need the processors.
  private static final int ENCODERS = 1;

  private final TrainingRuns runs;
  private final Catalogue catalogue;
  private final @Nullable Contributing contributing;
  private final EncodingThreads encoding = new EncodingThreads(ENCODERS);
  private final Ids ids;
  private final Delay delay;
  private final Duration streamIdle;

  /// @param contributing null: this server keeps no ledger
  /// @param streamIdle a stream that takes nothing for so long ends
  TrainingService(
      TrainingRuns runs,
      Catalogue catalogue,
      @Nullable Contributing contributing,
      Ids ids,
      Delay delay,
      Duration streamIdle) {
    this.runs = runs;
    this.catalogue = catalogue;
    this.contributing = contributing;
    this.ids = ids;
    this.delay = delay;
    this.streamIdle = streamIdle;
  }

  @Override
  public void start(TrainingStartRequest request, StreamObserver<TrainingRun> responses) {
    serve(responses, call -> TrainingAnswers.run(start(request, call)));
  }

  private RunView start(TrainingStartRequest request, Call<?> call) {
    runs.requireAble();
    Contributing registry = contributing;
    if (registry == null) {
      throw Statuses.precondition(
          "LEDGER_OFF",
          "",
          "this server keeps no ledger, so that contributions can't be registered");
    }
    TrainingRequests.check(request);
    AdapterName adapter = own(request.getAdapter());
    runs.byRequest(tenant(), request.getRequestId())
        .ifPresent(
            run -> {
              throw Statuses.started(request.getRequestId(), run.id());
            });
    try {
      return switch (request.getSourceCase()) {
        case AUDIT_SET_OF -> auditSet(request, adapter, call);
        case DATA -> sent(request, adapter, registry, call);
        case REBUILD_OF -> rebuild(request, adapter, call);
        case MANIFEST_DIGEST -> {
          AdapterChoice.checkDigest(request.getManifestDigest(), "manifest_digest");
          RunSettings settings = settings(request.getSettings(), RunSettings.DEFAULT);
          yield kept(
              request,
              adapter,
              settings,
              call,
              () ->
                  runs.sources()
                      .ofManifest(adapter.tenant(), request.getManifestDigest(), settings));
        }
        case CONTRIBUTIONS -> {
          List<String> chosen = TrainingRequests.contributions(request.getContributions());
          RunSettings settings = settings(request.getSettings(), RunSettings.DEFAULT);
          yield kept(
              request,
              adapter,
              settings,
              call,
              () -> runs.sources().ofContributions(adapter.tenant(), chosen, settings));
        }
        case SOURCE_NOT_SET -> throw Statuses.invalid("source", "is required");
      };
    } catch (IOException e) {
      throw Statuses.unstorable(e);
    }
  }

  private RunView sent(
      TrainingStartRequest request, AdapterName adapter, Contributing registry, Call<?> call)
      throws IOException {
    RunSettings settings = settings(request.getSettings(), RunSettings.DEFAULT);
    RunOrder order = order(request, adapter, settings, call);
    String dataset = TrainingRequests.dataset(request, adapter.name());
    String licence = TrainingRequests.licence(request);
    Set<Given> withdrawn = registry.withdrawn(tenant());
    byte[] data = request.getData().toByteArray();
    RunSource source =
        encoding.run(
            data.length,
            call,
            () ->
                runs.sources()
                    .sent(
                        data,
                        settings,
                        (contributor, example) ->
                            withdrawn.contains(new Given(contributor, example))));
    List<Example> examples = source.dataset().examples();
    for (Example example : examples) {
      if (!ProvenanceRequests.isName(example.contributor())) {
        throw Statuses.invalid(
            "data",
            "line "
                + example.line()
                + ": contributor must have at most 200 characters and no control characters");
      }
    }
    // Whatever refuses the run does so before anything is registered.
    var unused = encode(data.length, call, () -> runs.check(order, source));
    String manifest =
        registry.register(
            adapter.tenant(),
            examples.stream().map(each -> new Given(each.contributor(), each.digest())).toList(),
            dataset,
            licence,
            call);
    return begin(order, source.registered(manifest), call);
  }

  private RunView rebuild(TrainingStartRequest request, AdapterName adapter, Call<?> call)
      throws IOException {
    RunView before = trained(request.getAdapter(), adapter, request.getRebuildOf());
    RunSettings settings = settings(request.getSettings(), before.settings());
    return kept(
        request,
        adapter,
        settings,
        call,
        () -> runs.sources().ofManifest(adapter.tenant(), before.run().manifest(), settings));
  }

  private RunView auditSet(TrainingStartRequest request, AdapterName adapter, Call<?> call)
      throws IOException {
    TrainingRequests.checkAudit(request);
    RunView version = trained(request.getAdapter(), adapter, request.getAuditSetOf());
    int subsets = TrainingRequests.subsets(request.getSettings());
    int seeds = TrainingRequests.seeds(request.getSettings());
    if (subsets == 0) {
      throw Statuses.invalid("settings.audit_subsets", "is required");
    }
    return encode(
        Integer.MAX_VALUE,
        call,
        () -> runs.startAuditSet(version, subsets, seeds, request.getRequestId()));
  }

  private interface Source {
    RunSource get() throws IOException;
  }

  private RunView kept(
      TrainingStartRequest request,
      AdapterName adapter,
      RunSettings settings,
      Call<?> call,
      Source source)
      throws IOException {
    RunOrder order = order(request, adapter, settings, call);
    return begin(order, encode(Integer.MAX_VALUE, call, source::get), call);
  }

  private RunView begin(RunOrder order, RunSource source, Call<?> call) throws IOException {
    return encode(source.lines().length, call, () -> runs.start(order, source));
  }

  /// Work that encodes about so many bytes, and may fail to read or write.
  private interface Encoding<T> {
    T run() throws IOException;
  }

  private <T> T encode(int bytes, Call<?> call, Encoding<T> work) throws IOException {
    try {
      return encoding.run(
          bytes,
          call,
          () -> {
            try {
              return work.run();
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private RunOrder order(
      TrainingStartRequest request, AdapterName adapter, RunSettings settings, Call<?> call) {
    // Hours before it would be found out; publishing looks again.
    catalogue.requireRoom(adapter, runs.adapterBytes(settings));
    byte[] heldOut = request.getHeldOut().toByteArray();
    if (heldOut.length > 0) {
      try {
        var unused =
            encoding.run(heldOut.length, call, () -> runs.sources().heldOut(heldOut, settings));
      } catch (DataException e) {
        throw Statuses.of(e.refusal(), "held_out");
      }
    }
    TrainingSettings asked = request.getSettings();
    return new RunOrder(
        adapter,
        settings,
        asked.getAlias(),
        TrainingRequests.subsets(asked),
        TrainingRequests.seeds(asked),
        heldOut,
        request.getRequestId());
  }

  private RunSettings settings(TrainingSettings asked, RunSettings base) {
    RunSettings settings = TrainingRequests.settings(asked, base);
    runs.sources().requireFits(settings);
    return settings;
  }

  /// @param named the adapter as the caller names it
  private RunView trained(String named, AdapterName adapter, TrainedVersion version) {
    if (version.hasNumber()) {
      AdapterRequests.checkNumber(version.getNumber(), "number");
    }
    var unused = Statuses.named(named, () -> catalogue.get(tenant(), adapter.toString()));
    return runs.sources().trained(adapter, version.hasNumber() ? version.getNumber() : null);
  }

  @Override
  public void watch(TrainingWatchRequest request, StreamObserver<TrainingEvent> responses) {
    Call.serve(
        responses,
        ids.next(),
        call ->
            new TrainingWatch(runs, tenant(), call, call.paced(delay, streamIdle))
                .run(id(request.getRunId())));
  }

  @Override
  public void cancel(TrainingCancelRequest request, StreamObserver<TrainingRun> responses) {
    serve(responses, call -> TrainingAnswers.run(runs.cancel(tenant(), id(request.getRunId()))));
  }

  @Override
  public void get(TrainingGetRequest request, StreamObserver<TrainingRun> responses) {
    serve(responses, call -> TrainingAnswers.run(runs.get(tenant(), id(request.getRunId()))));
  }

  @Override
  public void list(TrainingListRequest request, StreamObserver<TrainingListResponse> responses) {
    serve(responses, call -> list(request));
  }

  private TrainingListResponse list(TrainingListRequest request) {
    int size = AdapterRequests.pageSize(request.getPageSize());
    String adapter = "";
    if (!request.getAdapter().isEmpty()) {
      AdapterChoice.checkName(request.getAdapter(), "adapter");
      adapter = own(request.getAdapter()).name();
    }
    String list = String.join("\t", "runs", tenant(), adapter);
    long before = PageToken.read(request.getPageToken(), list).run();
    List<RunView> found = runs.list(tenant(), adapter, before, size + 1);
    TrainingListResponse.Builder response = TrainingListResponse.newBuilder();
    found.stream().limit(size).map(TrainingAnswers::summary).forEach(response::addRuns);
    if (found.size() > size) {
      long last = found.get(size - 1).run().sequence();
      response.setNextPageToken(new PageToken(list, Long.toString(last)).text());
    }
    return response.build();
  }

  private static String id(String id) {
    if (id.isEmpty()) {
      throw Statuses.invalid("run_id", "is required");
    }
    return id;
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
