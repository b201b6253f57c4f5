package dev.tributary.client;

import static dev.tributary.client.Connection.calling;
import static dev.tributary.client.Connection.quick;
import static dev.tributary.client.Connection.within;

import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.Alias;
import dev.tributary.v1.CountTokensRequest;
import dev.tributary.v1.CountTokensResponse;
import dev.tributary.v1.CreateAdapterRequest;
import dev.tributary.v1.DeleteAdapterRequest;
import dev.tributary.v1.DeleteVersionRequest;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.GetModelRequest;
import dev.tributary.v1.ImportVersionRequest;
import dev.tributary.v1.IndexVersionEvent;
import dev.tributary.v1.IndexVersionRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.ListAdaptersRequest;
import dev.tributary.v1.ListAdaptersResponse;
import dev.tributary.v1.ListVersionsRequest;
import dev.tributary.v1.ListVersionsResponse;
import dev.tributary.v1.LoadRequest;
import dev.tributary.v1.Model;
import dev.tributary.v1.PinRequest;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.ScoreRequest;
import dev.tributary.v1.ScoreResponse;
import dev.tributary.v1.SetAliasRequest;
import dev.tributary.v1.TrainingGrpc;
import dev.tributary.v1.UnloadRequest;
import dev.tributary.v1.UnpinRequest;
import dev.tributary.v1.UpdateAdapterRequest;
import dev.tributary.v1.UploadVersionRequest;
import dev.tributary.v1.VersionIndex;
import dev.tributary.v1.WatchAdaptersRequest;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/// A client of one Tributary server; safe for use by many threads. Closing it cancels what is still
/// running.
public final class TributaryClient implements AutoCloseable {
  private final Connection connection;
  private final Backoff.Sleeper sleeper;
  private final InferenceGrpc.InferenceBlockingStub inference;
  private final AdaptersGrpc.AdaptersBlockingStub adapters;
  private final ProvenanceGrpc.ProvenanceBlockingStub provenance;
  private final TrainingGrpc.TrainingBlockingStub training;

  private TributaryClient(Connection connection, Backoff.Sleeper sleeper) {
    this.connection = connection;
    this.sleeper = sleeper;
    ManagedChannel channel = connection.channel();
    this.inference = connection.configured(InferenceGrpc.newBlockingStub(channel));
    this.adapters = connection.configured(AdaptersGrpc.newBlockingStub(channel));
    this.provenance = connection.configured(ProvenanceGrpc.newBlockingStub(channel));
    this.training = connection.configured(TrainingGrpc.newBlockingStub(channel));
  }

  /// A client of the server at `target`, `HOST:PORT` or another gRPC name. Connects with the first
  /// call.
  ///
  /// @throws IOException if the certificates cannot be read, or the target is not a name
  public static TributaryClient connect(String target, ClientOptions options) throws IOException {
    return new TributaryClient(Connection.open(target, options), Backoff.Sleeper.SLEEPING);
  }

  /// A client over a channel that is there already; it is shut down with the client.
  public static TributaryClient over(ManagedChannel channel, ClientOptions options) {
    return over(channel, options, Backoff.Sleeper.SLEEPING);
  }

  static TributaryClient over(
      ManagedChannel channel, ClientOptions options, Backoff.Sleeper sleeper) {
    return new TributaryClient(new Connection(channel, options), sleeper);
  }

  /// Starts a generation and streams it. Close the answer to cancel it.
  public Answer generate(GenerateRequest request) {
    return new Answer(() -> inference.generate(request));
  }

  /// Generates one whole answer.
  ///
  /// @throws TributaryException if the call failed
  public GenerateResponse generateOnce(GenerateRequest request) {
    return calling(() -> inference.generateOnce(request));
  }

  /// Log-probabilities of given completions.
  ///
  /// @throws TributaryException if the call failed
  public ScoreResponse score(ScoreRequest request) {
    return calling(() -> inference.score(request));
  }

  /// What an input would cost.
  ///
  /// @throws TributaryException if the call failed
  public CountTokensResponse countTokens(CountTokensRequest request) {
    return calling(() -> quick(inference).countTokens(request));
  }

  /// The resident base and the server's limits.
  ///
  /// @throws TributaryException if the call failed
  public Model model() {
    return calling(() -> quick(inference).getModel(GetModelRequest.getDefaultInstance()));
  }

  /// One adapter by `name` or `tenant/name`.
  ///
  /// @throws TributaryException if the call failed; its code is NOT_FOUND where there is none
  public Adapter adapter(String name) {
    return calling(
        () -> quick(adapters).getAdapter(GetAdapterRequest.newBuilder().setName(name).build()));
  }

  /// All adapters that the caller can name, by name.
  ///
  /// @throws TributaryException if a call failed
  public List<Adapter> adapters() {
    ListAdaptersRequest.Builder request =
        ListAdaptersRequest.newBuilder().setPageSize(Connection.PAGE_SIZE);
    return Connection.pages(
        token -> {
          ListAdaptersResponse response =
              quick(adapters).listAdapters(request.setPageToken(token).build());
          return new Connection.Page<>(response.getAdaptersList(), response.getNextPageToken());
        });
  }

  /// Makes an adapter without versions.
  ///
  /// @param adapter its name, and if wanted a description and labels
  /// @throws TributaryException if the call failed
  public Adapter createAdapter(Adapter adapter) {
    CreateAdapterRequest request = CreateAdapterRequest.newBuilder().setAdapter(adapter).build();
    return calling(() -> quick(adapters).createAdapter(request));
  }

  /// Changes what the request's mask names.
  ///
  /// @throws TributaryException if the call failed; its code is ABORTED if the etag is not the
  ///   stored one
  public Adapter updateAdapter(UpdateAdapterRequest request) {
    return calling(() -> quick(adapters).updateAdapter(request));
  }

  /// Deletes an adapter with all its versions, waiting at most `time` for answers in flight.
  ///
  /// @throws TributaryException if the call failed
  public void deleteAdapter(String name, Duration time) {
    DeleteAdapterRequest request = DeleteAdapterRequest.newBuilder().setName(name).build();
    calling(() -> within(adapters, time).deleteAdapter(request));
  }

  /// All versions of an adapter, newest first.
  ///
  /// @throws TributaryException if a call failed
  public List<AdapterVersion> versions(String adapter) {
    ListVersionsRequest.Builder request =
        ListVersionsRequest.newBuilder().setAdapter(adapter).setPageSize(Connection.PAGE_SIZE);
    return Connection.pages(
        token -> {
          ListVersionsResponse response =
              quick(adapters).listVersions(request.setPageToken(token).build());
          return new Connection.Page<>(response.getVersionsList(), response.getNextPageToken());
        });
  }

  /// Uploads a folder as a new version, across broken connections; the server checks every byte.
  ///
  /// @param header what will be sent, as [AdapterFolder#header] says it; with an `upload_id` it
  ///   goes on with that upload
  /// @throws IOException if a file cannot be read any more
  /// @throws TributaryException if the server refuses it, or the connection stays broken
  public AdapterVersion upload(
      UploadVersionRequest.Header header, Path folder, UploadListener listener)
      throws IOException, InterruptedException {
    Upload upload =
        new Upload(
            connection.configured(AdaptersGrpc.newBlockingV2Stub(connection.channel())),
            header,
            folder,
            listener,
            new Backoff(sleeper),
            () ->
                versions(header.getAdapter()).stream()
                    .filter(version -> version.getDigest().equals(header.getDigest()))
                    .findFirst());
    return upload.run();
  }

  /// Adds a version from where the server can read it, within `time`.
  ///
  /// @throws TributaryException if the call failed
  public AdapterVersion importVersion(ImportVersionRequest request, Duration time) {
    return calling(() -> within(adapters, time).importVersion(request));
  }

  /// Deletes a version, waiting at most `time` for answers in flight.
  ///
  /// @throws TributaryException if the call failed; its code is FAILED_PRECONDITION if an alias
  ///   points to it
  public void deleteVersion(String adapter, int number, Duration time) {
    DeleteVersionRequest request =
        DeleteVersionRequest.newBuilder().setAdapter(adapter).setNumber(number).build();
    calling(() -> within(adapters, time).deleteVersion(request));
  }

  /// Points an alias at versions; without targets it is removed. [Rollout] does more.
  ///
  /// @throws TributaryException if the call failed; its code is ABORTED if a set etag is not the
  ///   stored one
  public Alias setAlias(String adapter, Alias alias) {
    SetAliasRequest request =
        SetAliasRequest.newBuilder().setAdapter(adapter).setAlias(alias).build();
    return calling(() -> quick(adapters).setAlias(request));
  }

  /// Brings a version's weights to the device tier, within `time`.
  ///
  /// @throws TributaryException if the call failed
  public AdapterVersion load(AdapterSelector version, Duration time) {
    LoadRequest request = LoadRequest.newBuilder().setAdapter(version).build();
    return calling(() -> within(adapters, time).load(request));
  }

  /// Drops a version's weights to the disk tier, waiting at most `time` for answers in flight.
  ///
  /// @throws TributaryException if the call failed
  public AdapterVersion unload(AdapterSelector version, Duration time) {
    UnloadRequest request = UnloadRequest.newBuilder().setAdapter(version).build();
    return calling(() -> within(adapters, time).unload(request));
  }

  /// Brings a version's weights to the device tier within `time`, and keeps them there.
  ///
  /// @throws TributaryException if the call failed
  public AdapterVersion pin(AdapterSelector version, Duration time) {
    PinRequest request = PinRequest.newBuilder().setAdapter(version).build();
    return calling(() -> within(adapters, time).pin(request));
  }

  /// Ends what [#pin] began.
  ///
  /// @throws TributaryException if the call failed
  public AdapterVersion unpin(AdapterSelector version) {
    UnpinRequest request = UnpinRequest.newBuilder().setAdapter(version).build();
    return calling(() -> quick(adapters).unpin(request));
  }

  /// Has the index built that a version's answers are attributed by, waiting at most `time`.
  ///
  /// @param progress told how far it is
  /// @throws TributaryException if the call failed; its code is FAILED_PRECONDITION where the
  ///   version can't have one
  public VersionIndex index(
      AdapterSelector version, Duration time, Consumer<IndexVersionEvent.Progress> progress) {
    IndexVersionRequest request = IndexVersionRequest.newBuilder().setAdapter(version).build();
    return calling(
        () -> {
          Iterator<IndexVersionEvent> events = within(adapters, time).indexVersion(request);
          while (events.hasNext()) {
            IndexVersionEvent event = events.next();
            if (event.hasIndex()) {
              return event.getIndex();
            }
            progress.accept(event.getProgress());
          }
          throw new UnmetException("the server ended without telling of the index");
        });
  }

  /// The present state of adapters, then every change, across broken connections. Close it to end
  /// it.
  ///
  /// @param names only these; none: all that the caller can read
  /// @param interrupted hears of each broken connection, and after which time it is made again
  public AdapterWatch watchAdapters(
      List<String> names, BiConsumer<TributaryException, Duration> interrupted) {
    WatchAdaptersRequest request = WatchAdaptersRequest.newBuilder().addAllNames(names).build();
    return new AdapterWatch(
        () -> adapters.watchAdapters(request), interrupted, new Backoff(sleeper));
  }

  /// The caller's receipts.
  public Receipts receipts() {
    return new Receipts(provenance, inference);
  }

  /// The server's log.
  public Ledger ledger() {
    return new Ledger(provenance, sleeper);
  }

  /// Training examples in the server's ledger.
  public Contributions contributions() {
    return new Contributions(
        provenance, connection.configured(ProvenanceGrpc.newBlockingV2Stub(connection.channel())));
  }

  /// Runs that train adapters.
  public Trainings trainings() {
    return new Trainings(training, sleeper);
  }

  /// Cancels what is still running and closes the connection.
  @Override
  public void close() {
    connection.close();
  }
}
